/*
 * The least that an answer can cost: receives and sends in batches and appends one fixed A record, without looking anything up.
 * limit ADDRESS PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, ROOM = 2048 };

static unsigned char packets[BATCH][ROOM];
static struct sockaddr_in peers[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

/* Turns the query into its answer. Returns its length, 0 when it is none. */
static size_t answer(unsigned char *message, size_t length) {
  static const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 192, 0, 2, 1};
  size_t end = 12;
  while (end < length && message[end] != 0) end += message[end] + 1;
  end += 5;
  if (end > length || end + sizeof record > ROOM) return 0;
  message[2] = 0x81;
  message[3] = 0x80;
  message[7] = 1;
  message[10] = message[11] = 0;
  memcpy(message + end, record, sizeof record);
  return end + sizeof record;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  int buffer = 4 << 20;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[2]))};
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (inet_pton(AF_INET, words[1], &address.sin_addr) != 1) return 2;
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return 1;
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      parts[i] = (struct iovec){packets[i], ROOM};
      messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &parts[i], .msg_iovlen = 1}};
    }
    int received = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    for (int i = 0; i < received; i++) parts[i].iov_len = answer(packets[i], messages[i].msg_len);
    for (int sent = 0, now; sent < received; sent += now) {
      now = sendmmsg(fd, messages + sent, received - sent, 0);
      if (now <= 0) break;
    }
  }
}
