import { expect, it } from 'vitest';
import { createMergedMetrics, createPrometheusMetrics } from './prometheus.ts';

const measure = {
  status: 200,
  code: '',
  provider: 'openai',
  operation: 'chat',
  seconds: 1.5,
  upstreamSeconds: 0.2,
  usage: { inputTokens: 10, outputTokens: 20 },
};

it('counts requests, times, live calls, model tokens and faults', async () => {
  const metrics = createPrometheusMetrics({ processMetrics: false });
  metrics.live(1);
  metrics.live(1);
  metrics.live(-1);
  metrics.request(measure);
  metrics.request({ ...measure, status: 402, code: 'calls_exhausted', provider: '', usage: null });
  metrics.fault();
  const { text, contentType } = await metrics.render({ storeEntries: 7, openedCacheHits: 3 });
  expect(contentType).toContain('text/plain');
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      'relayapi_requests_total{status="200",code="",provider="openai"} 1',
      'relayapi_requests_total{status="402",code="calls_exhausted",provider=""} 1',
      'relayapi_request_duration_seconds_count{provider="openai"} 1',
      'gen_ai_client_operation_duration_seconds_count{gen_ai_provider_name="openai",gen_ai_operation_name="chat",error_type=""} 1',
      'gen_ai_client_operation_time_to_response_seconds_sum{gen_ai_provider_name="openai"} 0.2',
      'gen_ai_client_token_usage_sum{gen_ai_provider_name="openai",gen_ai_token_type="input"} 10',
      'gen_ai_client_token_usage_sum{gen_ai_provider_name="openai",gen_ai_token_type="output"} 20',
      'relayapi_live_calls 1',
      'relayapi_faults_total 1',
      'relayapi_store_entries 7',
      'relayapi_opened_cache_hits 3',
    ]),
  );
});

it('two relays in one process count apart', async () => {
  const [one, two] = [createPrometheusMetrics(), createPrometheusMetrics()];
  one.request(measure);
  expect((await two.render({})).text).not.toContain('relayapi_requests_total{');
  expect((await one.render({})).text).toContain('process_resident_memory_bytes');
});

it('adds up what workers counted, and counts what they have in common once', async () => {
  const workers = [1, 2, 3].map(() => createPrometheusMetrics({ processMetrics: false, json: true }));
  const [one, two] = workers as [(typeof workers)[0], (typeof workers)[0]];
  one.request(measure);
  one.live(1);
  two.request(measure);
  two.request({ ...measure, status: 502, provider: 'deepl', seconds: 0.001 });
  two.live(1);
  two.fault();
  const gauges = { storeEntries: 7, storeBytes: 4480, keys: 2, rejectedFiles: 1, openedCacheHits: 3 };
  const reports = await Promise.all(
    workers.map(async (worker, i) => (await worker.render({ ...gauges, openedCacheHits: i })).text),
  );
  const { text, contentType } = await createMergedMetrics().render(reports);
  expect(contentType).toContain('text/plain');
  const lines = text.split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'relayapi_requests_total{status="200",code="",provider="openai"} 2',
      'relayapi_requests_total{status="502",code="",provider="deepl"} 1',
      'relayapi_request_duration_seconds_bucket{le="1",provider="openai"} 0',
      'relayapi_request_duration_seconds_bucket{le="2.5",provider="openai"} 2',
      'relayapi_request_duration_seconds_sum{provider="openai"} 3',
      'gen_ai_client_token_usage_sum{gen_ai_provider_name="openai",gen_ai_token_type="input"} 20',
      'relayapi_live_calls 2',
      'relayapi_faults_total 1',
      'relayapi_opened_cache_hits 3',
      'relayapi_store_entries 7',
      'relayapi_store_bytes 4480',
      'relayapi_keys 2',
      'relayapi_rejected_files 1',
      '# TYPE relayapi_requests_total counter',
      '# TYPE relayapi_live_calls gauge',
    ]),
  );
  const own = lines.filter((line) => /^process_resident_memory_bytes /.test(line));
  expect(own).toHaveLength(1);
  const names = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});
