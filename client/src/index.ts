export {
  createClient,
  KeybearerError,
  type Client,
  type ClientOptions,
  type Input,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from './client.ts'
export { events, type ServiceEvent } from './events.ts'
export * from './operations.ts'
