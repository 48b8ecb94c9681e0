import type { Codes } from 'corelet/plugin'

const withOption = (option: string) => `cluster.local {\n  kubernetes cluster.local {\n    ${option}\n  }\n}`

export const errors = {
  'only-reverse': {
    message: 'non-reverse zone name must be used',
    hint: 'name the zone of the cluster first, for example cluster.local',
    example: '. {\n  kubernetes 10.0.0.0/8\n}',
  },
  'first-endpoint': {
    severity: 'warning',
    message: "multiple endpoints have been deprecated, only the first specified endpoint '{0}' is used",
    hint: 'name one API server, or a load balancer in front of several',
    example: withOption('endpoint https://192.0.2.1 https://192.0.2.2'),
  },
  'bad-endpoint': {
    message: "'{0}' is not the URL of an API server",
    hint: 'write a URL such as https://192.0.2.1:6443',
    example: withOption('endpoint ://'),
  },
  'tls-arguments': {
    message: 'wrong number of arguments for tls: {0}',
    hint: 'write tls CERT KEY CACERT',
    example: withOption('tls cert.pem key.pem'),
  },
  'bad-qps': {
    message: "invalid apiserver_qps '{0}'",
    hint: 'write requests per second as a number, 0 for no limit',
    example: withOption('apiserver_qps many'),
  },
  'negative-qps': {
    message: 'apiserver_qps must be >= 0',
    hint: 'write requests per second as a number, 0 for no limit',
    example: withOption('apiserver_qps -1'),
  },
  'bad-burst': {
    message: "invalid apiserver_burst '{0}'",
    hint: 'write how many requests may come at once, as a whole number',
    example: withOption('apiserver_burst many'),
  },
  'negative-burst': {
    message: 'apiserver_burst must be >= 0',
    hint: 'write how many requests may come at once, as a whole number',
    example: withOption('apiserver_burst -1'),
  },
  'bad-inflight': {
    message: "invalid apiserver_max_inflight '{0}'",
    hint: 'write how many lists may be under way, as a whole number; 0 for no limit',
    example: withOption('apiserver_max_inflight many'),
  },
  'negative-inflight': {
    message: 'apiserver_max_inflight must be >= 0',
    hint: 'write how many lists may be under way, as a whole number; 0 for no limit',
    example: withOption('apiserver_max_inflight -1'),
  },
  'bad-namespace-labels': {
    message: 'unable to parse namespace_label selector value: {0}',
    hint: 'write a label selector as for kubectl -l, for example team=dns,tier!=test',
    example: withOption('namespace_labels =a'),
  },
  'bad-labels': {
    message: 'unable to parse label selector value: {0}',
    hint: 'write a label selector as for kubectl -l, for example app in (a, b)',
    example: withOption('labels app in (a'),
  },
  'two-ways-of-namespaces': {
    message: 'namespaces and namespace_labels cannot both be set',
    hint: 'choose namespaces by name or by label',
    example: withOption('namespaces a\n    namespace_labels team=dns'),
  },
  'bad-pods': {
    message: 'wrong value for pods: {0},  must be one of: disabled, insecure, verified',
    hint: '{1}',
    example: withOption('pods all'),
  },
  'ttl-out-of-range': {
    message: 'ttl must be in range [0, 3600]: {0}',
    hint: 'write seconds, at most an hour',
    example: withOption('ttl 3601'),
  },
  'zonal-without-endpoints': {
    message: 'zonal requires the endpoint cache; remove noendpoints',
    hint: 'zones belong to endpoints, which noendpoints does not follow',
    example: withOption('zonal\n    noendpoints'),
  },
  'bad-ignore': {
    message: "unable to parse ignore value: '{0}'",
    hint: 'the only one is ignore empty_service',
    example: withOption('ignore all'),
  },
  'no-multicluster': {
    message: 'multicluster is not supported: {0}',
    hint: 'leave the option out; services of other clusters are not followed',
    example: withOption('multicluster clusterset.local'),
  },
  'bad-startup-timeout': {
    message: 'failed to parse startup_timeout: {0}',
    hint: 'write a duration such as 5s; 0s does not wait',
    example: withOption('startup_timeout soon'),
  },
} satisfies Codes
