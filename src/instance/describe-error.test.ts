import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeError, describeStack } from './describe-error.ts'

const hostile = {
  toString() {
    throw new Error('no')
  },
}

test('anything that is thrown has a text', () => {
  assert.equal(describeError(new TypeError('boom')), 'boom')
  assert.equal(describeError('boom'), 'boom')
  assert.equal(describeError(undefined), 'undefined')
  assert.equal(describeError(Symbol('boom')), 'Symbol(boom)')
  assert.equal(describeError(Object.create(null)), 'an error that has no text')
  assert.equal(describeError(hostile), 'an error that has no text')
  assert.equal(describeError(Object.assign(new Error(), { message: hostile })), 'an error that has no text')
})

test('the stack is that of an error', () => {
  assert.match(describeStack(new Error('boom')), /^\nError: boom\n {4}at /)
  assert.equal(describeStack('boom'), '')
  assert.equal(describeStack(Object.assign(new Error('boom'), { stack: undefined })), '')
})
