import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toQuery } from '../testing/messages.ts'
import { compileExpression } from './compile.ts'
import { EvaluationError, ExpressionError } from './errors.ts'
import { QUERY_ENVIRONMENT } from './query-functions.ts'
import { toPlain } from './values.ts'

/** Thursday, 2026-01-01 10:30:00 UTC. */
const NOW = Date.UTC(2026, 0, 1, 10, 30)

function evaluate(text: string, query = toQuery('Client1.Example.', 'AAAA', { dnssecOk: true })): unknown {
  return toPlain(compileExpression(text, QUERY_ENVIRONMENT).evaluate({ query, now: NOW }))
}

const good: Record<string, [text: string, value: unknown][]> = {
  literals: [
    ['1_000', 1000],
    ['0xff', 255],
    ['0o17', 15],
    ['0b101', 5],
    ['1.5e3', 1500],
    ['.5', 0.5],
    ['"a\\tb\\u0041\\x41"', 'a\tbAA'],
    ["'it\\'s'", "it's"],
    ['`raw \\d`', 'raw \\d'],
    ['[1, "a", nil, true,]', [1, 'a', null, true]],
    ['{a: 1, "b": {}, (1 + 1): 2}', { '2': 2, a: 1, b: {} }],
    ['1 // more', 1],
    ['/* a */ 1', 1],
  ],
  operators: [
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['2 ** 3 ** 2', 512],
    ['2 ^ 3', 8],
    ['-2 ** 2', -4],
    ['7 / 2', 3.5],
    ['7 % 4', 3],
    ['"a" + "b"', 'ab'],
    ['1 == 1.0', true],
    ['1 != 2 and not false', true],
    ['true || false && false', true],
    ['!true or true', true],
    ['1 < 2 < 3', true],
    ['1 < 3 < 2', false],
    ['"b" > "a"', true],
    ['2 in 1..3', true],
    ['5 not in [1, 2]', true],
    ['"a" in {a: 1}', true],
    ['"abc" matches "^a.c$"', true],
    ['"abc" not matches "x"', true],
    ['"abc" contains "b"', true],
    ['"abc" startsWith "ab" && "abc" endsWith "bc"', true],
    ['nil ?? 1', 1],
    ['2 ?? 1', 2],
    ['1..0', []],
    ['true ? 1 : 2', 1],
    ['false ? 1 : true ? 3 : 4', 3],
    ['nil == nil', true],
    ['if 1 > 2 { "a" } else if true { "b" } else { "c" }', 'b'],
    ['let x = 2; let y = x * 2; x + y', 6],
    ['"A" | lower() | repeat(2)', 'aa'],
    ['[1, 2] == [1, 2]', true],
    ['true and nil == nil', true],
  ],
  members: [
    ['{a: {b: 1}}.a.b', 1],
    ['{a: 1}["a"]', 1],
    ['{a: 1}.b?.c', null],
    ['[1, 2, 3][-1]', 3],
    ['[1, 2, 3][1:]', [2, 3]],
    ['"abc"[:2]', 'ab'],
    ['"abc"[0]', 'a'],
  ],
  predicates: [
    ['all([1, 2], # > 0)', true],
    ['none([1, 2], {# > 2})', true],
    ['any([1, 2], # == 2)', true],
    ['one([1, 2, 2], # == 2)', false],
    ['filter(1..5, # % 2 == 0)', [2, 4]],
    ['map(1..3, # * #index)', [0, 2, 6]],
    ['find([1, 2, 3], # > 1)', 2],
    ['find([1], # > 1)', null],
    ['findIndex([1, 2], # == 2)', 1],
    ['findLast([1, 2, 3], # < 3)', 2],
    ['findLastIndex([1, 2, 3], # < 3)', 1],
    ['count([1, 2, 3], # > 1)', 2],
    ['count([true, false])', 1],
    ['sum(1..4)', 10],
    ['sum([{n: 1}, {n: 2}], .n)', 3],
    ['groupBy(1..3, # % 2)', { 0: [2], 1: [1, 3] }],
    ['sortBy([{n: 2}, {n: 1}], .n)', [{ n: 1 }, { n: 2 }]],
    ['sortBy([1, 3, 2], #, "desc")', [3, 2, 1]],
    ['reduce(1..4, #acc + #)', 10],
    ['reduce([], #acc + #, 5)', 5],
    ['map(filter([1, 2, 3], # > 1), {let y = #; y * 10})', [20, 30]],
  ],
  functions: [
    ['len("äb") + len([1]) + len({a: 1})', 4],
    ['abs(-2)', 2],
    ['ceil(1.2) + floor(1.8)', 3],
    ['round(-1.5)', -2],
    ['int("12") + int(3.9)', 15],
    ['float("1.5")', 1.5],
    ['string(12) + string(true) + string([1, "a"])', '12true[1 a]'],
    ['trim(" a ")', 'a'],
    ['trim("__a_", "_")', 'a'],
    ['trimPrefix("abc", "a") + trimSuffix("abc", "c")', 'bcab'],
    ['upper("a") + lower("B")', 'Ab'],
    ['split("a.b.c", ".")', ['a', 'b', 'c']],
    ['split("a.b.c", ".", 2)', ['a', 'b.c']],
    ['splitAfter("a.b", ".")', ['a.', 'b']],
    ['replace("aaa", "a", "b")', 'bbb'],
    ['replace("aaa", "a", "b", 1)', 'baa'],
    ['repeat("ab", 2)', 'abab'],
    ['join(["a", "b"], "-")', 'a-b'],
    ['indexOf("abcb", "b")', 1],
    ['lastIndexOf("abcb", "b")', 3],
    ['hasPrefix("ab", "a") && hasSuffix("ab", "b")', true],
    ['max(1, [5, 3]) + min(2, 1)', 6],
    ['mean([1, 2, 3]) + median([1, 2, 4, 10])', 5],
    ['toJSON({b: [1], a: nil})', '{\n  "a": null,\n  "b": [\n    1\n  ]\n}'],
    ['fromJSON("{\\"a\\": [1]}").a[0]', 1],
    ['fromBase64(toBase64("hi"))', 'hi'],
    ['first([1, 2]) + last([1, 2])', 3],
    ['get({a: 1}, "b")', null],
    ['get([1], 0)', 1],
    ['take([1, 2, 3], 2)', [1, 2]],
    ['keys({a: 1}) == ["a"] && values({a: 1}) == [1]', true],
    ['fromPairs(toPairs({a: 1}))', { a: 1 }],
    ['reverse([1, 2])', [2, 1]],
    ['uniq([1, 2, 1])', [1, 2]],
    ['concat([1], [2], [3])', [1, 2, 3]],
    ['flatten([1, [2, [3]]])', [1, 2, 3]],
    ['sort([2, 1])', [1, 2]],
    ['sort(["a", "b"], "desc")', ['b', 'a']],
    ['[bitand(6, 3), bitor(6, 3), bitxor(6, 3), bitnand(6, 3), bitnot(0)]', [2, 7, 5, 4, -1]],
    ['[bitshl(1, 4), bitshr(-16, 2), bitushr(16, 2)]', [16, -4, 4]],
  ],
  time: [
    ['now().Hour() >= 9 && now().Hour() < 18', true],
    ['[now().Year(), now().Month(), now().Day(), now().Weekday(), now().YearDay()]', [2026, 1, 1, 4, 1]],
    ['now().In(timezone("Europe/Zurich")).Hour()', 11],
    ['now().Format("Mon, 02 Jan 2006 15:04:05 -0700")', 'Thu, 01 Jan 2026 10:30:00 +0000'],
    ['string(now() - date("2026-01-01"))', '10h30m0s'],
    ['date("2026-01-01 12:00", "2006-01-02 15:04", "Europe/Zurich").Format("15:04 Z07:00")', '12:00 +01:00'],
    ['date("2026-01-01T11:30:00+01:00") == now() ? 1 : 2', 1],
    ['date("2026-01-01T11:30:00+01:00") < now()', false],
    ['(now() + duration("90m")).Hour()', 12],
    ['duration("1h30m").Minutes()', 90],
    ['string(duration("1h") * 2)', '2h0m0s'],
    ['duration("1h") > duration("59m")', true],
    ['now().Unix()', NOW / 1000],
  ],
  query: [
    ['type() == "AAAA" && name() == "client1.example."', true],
    ['name() matches "^client[1-5]\\\\.example\\\\.$"', true],
    ['class() + proto()', 'INudp'],
    ['client_ip() + " " + port()', '192.0.2.53 40212'],
    ['server_ip() + " " + server_port()', '127.0.0.1 53'],
    ["incidr(client_ip(), '192.0.2.0/24')", true],
    ["incidr(client_ip(), '192.0.3.0/24')", false],
    ["incidr(client_ip(), '2001:db8::/32')", false],
    ["incidr('::ffff:10.0.0.1', '10.0.0.0/8')", true],
    ["incidr('2001:db8::1', '2001:db8::/33')", true],
    ['do() && bufsize() == 1232 && id() == 4711 && opcode() == 0 && size() > 12', true],
    ["metadata('none/such') == ''", true],
  ],
}

for (const [part, rows] of Object.entries(good)) {
  describe(part, () => {
    for (const [text, value] of rows) test(text, () => assert.deepEqual(evaluate(text), value))
  })
}

describe('what is no expression is refused with its place', () => {
  const bad: [text: string, message: RegExp][] = [
    ['', /unexpected end \(column 1\)/],
    ['1 +', /unexpected end \(column 4\)/],
    ['1 2', /unexpected token 2 \(column 3\)/],
    ['"a', /literal not terminated/],
    ['"\\q"', /unable to unescape/],
    ['1 ~ 2', /unrecognized character: ~/],
    ['12ab', /bad number syntax/],
    ['99999999999999999999', /too large/],
    ['foo', /unknown name foo/],
    ['foo()', /unknown name foo/],
    ['#', /outside of a predicate/],
    ['"a" + 1', /\+ \(mismatched types string and int\) \(column 5\)/],
    ['"a" == 1', /== \(mismatched types string and int\)/],
    ['type() == 1', /mismatched types string and int/],
    ['1 && true', /&& \(mismatched types int and bool\)/],
    ['not "a"', /! \(mismatched type string\)/],
    ['-"a"', /- \(mismatched type string\)/],
    ['1.5 % 2', /% \(mismatched types float and int\)/],
    ['1 in 2', /in \(mismatched types/],
    ['1 matches "a"', /matches \(mismatched types int and string\)/],
    ['name() matches "("', /error parsing regexp: missing closing \)/],
    ['1 ? 2 : 3', /non-bool expression \(type int\) used as condition/],
    ['upper()', /not enough arguments to call upper/],
    ['upper("a", "b")', /too many arguments to call upper/],
    ['upper(1)', /cannot use int as argument \(type string\) to call upper/],
    ['incidr(client_ip())', /not enough arguments to call incidr/],
    ['filter(1, true)', /takes only array/],
    ['filter([1], # + 1, 2)', /filter takes 2 arguments/],
    ['filter([1], "a")', /predicate should return boolean/],
    ['let type = 1; type', /cannot redeclare type/],
    ['let x = 1; let x = 2; x', /cannot redeclare x/],
    ['"a".b', /type string has no field b/],
    ['now().Nope()', /type time has no method Nope/],
    ['{a: 1', /unexpected end/],
    ['let = 1; 2', /unexpected token =/],
    ['('.repeat(200), /nested too deep/],
    ['-'.repeat(200), /nested too deep/],
    [`"${'a'.repeat(10_000)}"`, /longer than 10000 characters/],
  ]
  for (const [text, message] of bad) {
    test(text.slice(0, 60), () => {
      const compile = () => compileExpression(text, QUERY_ENVIRONMENT)
      assert.throws(compile, (error) => error instanceof ExpressionError && message.test(error.message))
    })
  }
})

describe('what has no value fails, in bounded time', () => {
  const bad: [text: string, message: RegExp][] = [
    ['1..1000000000', /more than 100000 steps/],
    ['repeat("a", 1000000000)', /more than 100000 steps/],
    ['len(map(1..1000, map(1..1000, #)))', /more than 100000 steps/],
    ['reduce(1..100, #acc + #acc, "aaaaaaaaaa")', /more than 100000 steps/],
    ['uniq(1..50000)', /more than 100000 steps/],
    ['1 % 0', /divide by zero/],
    ['repeat("a", 5000) matches "b"', /longer than 4096/],
    ['[1][5]', /index out of range/],
    ['nil.a', /cannot fetch a from nil/],
    ['first([1]) + "a"', /mismatched types int and string/],
    ['upper(first([1]))', /upper wants string, not int/],
    ['first([1]) && true', /a bool is wanted/],
    ['incidr("x", "10.0.0.0/8")', /invalid IP address/],
    ['incidr("10.0.0.1", "10.0.0.0")', /invalid CIDR/],
    ['int("x")', /int\(x\)/],
    ['date("yesterday")', /cannot read the date/],
    ['timezone("Nowhere/Land")', /unknown time zone/],
    ['fromJSON("{")', /JSON/],
    ['"a" matches first(["("])', /missing closing/],
    ['duration("1")', /missing unit/],
    ['bitshl(1, -1)', /negative shift/],
  ]
  for (const [text, message] of bad) {
    test(text, () =>
      assert.throws(
        () => evaluate(text),
        (error) => error instanceof EvaluationError && message.test(error.message),
      ),
    )
  }
})
