/** The one place that hands a request to a transport. It takes an admitted call, and nothing without one can come here (behaviour.md §1). */
import type { AdmittedCall } from '../exchange.ts';
import type { Transport, UpstreamCall, UpstreamEvents, UpstreamRequest } from './transport.ts';

/** Sends a request of an admitted call: the call itself, or what its credential is fetched with. */
export function dispatch(
  transport: Transport,
  _call: AdmittedCall,
  request: UpstreamRequest,
  events: UpstreamEvents,
): UpstreamCall {
  return transport.dispatch(request, events);
}
