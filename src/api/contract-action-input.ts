import { z } from 'zod'
import { actionKinds } from '../actions/action-types.ts'
import { longestTimeout, mostBytes } from '../actions/request-check.ts'
import { requestMethods } from '../actions/types.ts'
import { ref, text, word } from './schemas.ts'

/** A text that may have variables; what else may stand in it, its place decides. */
const template = (max: number) => text(max)
const line = template(2000)
const long = template(500_000)
const lines = (most: number) => z.array(line).max(most)
const named = (max: number, most: number) => z.record(word(200), template(max)).refine((all) => Object.keys(all).length <= most, `must be at most ${most}`)

const email = z
  .strictObject({
    sender: ref('sender').nullable().optional().meta({ description: 'Id or name of a sender; the default one unless told' }),
    credential: ref('credential').nullable().optional().meta({ description: 'Instead of a sender: the one that logs in with this credential' }),
    from: line.nullable().optional().meta({ description: "Another From address than the sender's" }),
    to: lines(100).optional(),
    cc: lines(100).optional(),
    bcc: lines(100).optional(),
    reply_to: line.nullable().optional(),
    subject: line,
    text: long.nullable().optional(),
    html: long.nullable().optional().meta({ description: 'Values are escaped, unless the filter `raw` is the last one' }),
    headers: named(2000, 30).optional(),
    attachments: z
      .array(
        z.strictObject({
          filename: template(500),
          content_type: word(200).nullable().optional(),
          content: z.base64().nullable().optional().meta({ description: 'base64; or `text`' }),
          text: long.nullable().optional().meta({ description: 'Written anew for every run' }),
        }),
      )
      .max(20)
      .optional()
      .meta({ description: 'Small ones: 256 KiB together' }),
    until: z
      .enum(['accepted', 'sent'])
      .optional()
      .meta({ description: 'sent: succeeded is when a mail server has taken it; accepted (unless told): when it is in the outbox' }),
  })
  .meta({ id: 'NewActionEmail' })

const request = z
  .strictObject({
    credential: ref('credential'),
    method: z.enum(requestMethods).optional().meta({ description: 'GET unless told, POST with a body' }),
    url: template(8000)
      .min(1)
      .meta({ description: 'Scheme, host and port are written out; variables come after them, and are encoded unless `raw` is the last filter' }),
    headers: named(8000, 50).optional(),
    query: named(8000, 50).optional(),
    body: z
      .union([
        z.strictObject({ json: z.unknown().meta({ description: 'Texts in it may have variables; one that is nothing but a variable becomes its value' }) }),
        z.strictObject({ text: long }),
        z.strictObject({ form: named(8000, 100) }),
      ])
      .nullable()
      .optional(),
    key_header: word(100).nullable().optional().meta({ description: 'For an API key: the header it goes into' }),
    timeout_seconds: z.int().min(1).max(longestTimeout).optional(),
    max_bytes: z.int().min(0).max(mostBytes).optional(),
    paging: z
      .strictObject({
        by: z.enum(['next_link', 'link_header', 'cursor']),
        next: word(300)
          .nullable()
          .optional()
          .meta({ description: 'Where the link or cursor stands in the answer, such as paging.next or ["@odata.nextLink"]' }),
        parameter: word(100).nullable().optional().meta({ description: 'Parameter of the query that the cursor goes into' }),
        items: word(300).nullable().optional().meta({ description: 'Where the items of a page stand; those of all pages are put together' }),
        max_pages: z.int().min(1).max(100).optional().meta({ description: '10 unless told' }),
      })
      .nullable()
      .optional(),
  })
  .meta({ id: 'NewActionRequest' })

const failure = z
  .strictObject({
    anything: z.boolean().optional().meta({ description: 'Every problem, whether it is named here or not; true unless told' }),
    statuses: z.array(word(3)).max(100).optional().meta({ description: 'Statuses of the answer such as 404, or classes such as 5xx' }),
    codes: z.array(word(60)).max(100).optional().meta({ description: 'Codes of errors' }),
  })
  .meta({ id: 'NewActionFailure', description: 'Which problems make a run fail; after others it has succeeded, and names them' })

const onError = z
  .strictObject({
    retries: z.int().min(0).max(10).optional(),
    retry_delay_seconds: z.int().min(1).max(3600).optional().meta({ description: '60 unless told; longer when the server asks for it' }),
    report: z
      .strictObject({ to: z.array(word(320)).max(20).optional().meta({ description: 'Whom the email options name unless told' }) })
      .nullable()
      .optional()
      .meta({ description: 'Tell of it by mail, through the default sender' }),
    run: ref('action').nullable().optional().meta({ description: 'Run this action beside' }),
    continue_with: ref('action').nullable().optional().meta({ description: 'Go on with this action; without it the chain stops' }),
  })
  .meta({ id: 'NewActionOnError', description: 'What is done when a run fails' })

const rest = {
  description: text(2000).optional(),
  paused: z.boolean().optional().meta({ description: 'It is not run as long as it is paused' }),
  email: email.optional().meta({ description: 'For send_email' }),
  request: request.optional().meta({ description: 'For http_request' }),
  failure: failure.optional(),
  on_error: onError.optional(),
  next: ref('action').nullable().optional().meta({ description: 'The action that comes after a success, with the result of this one' }),
}

export const actionTexts = z
  .strictObject({
    action: ref('action').optional().meta({ description: 'A saved one; what else is given stands in for what it has' }),
    email: rest.email,
    request: rest.request,
    input: z.record(word(100), z.unknown()).optional().meta({ description: 'What texts name as input.…' }),
    previous: z.record(word(100), z.unknown()).optional().meta({ description: 'What texts name as previous.…: what the action before would have come to' }),
  })
  .meta({ id: 'NewActionPreview' })

export const newAction = z.strictObject({ name: word(200), kind: z.enum(actionKinds), ...rest }).meta({ id: 'NewAction' })

export const actionChange = z
  .strictObject({ name: word(200).optional(), ...rest })
  .meta({ id: 'ActionChange', description: 'A field left out stays as it is; email, request, failure and on_error are replaced as a whole' })
