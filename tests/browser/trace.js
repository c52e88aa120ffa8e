// How long scripts ran in each frame, by the browser's own trace.

/** What DevTools counts as scripting, in the trace of the page's main thread. */
const scripting = new Set([
  'EvaluateScript', 'v8.compile', 'v8.compileModule', 'v8.evaluateModule', 'FunctionCall', 'EventDispatch', 'TimerFire',
  'FireAnimationFrame', 'FireIdleCallback', 'RunMicrotasks', 'v8.callFunction', 'XHRReadyStateChange', 'XHRLoad', 'MinorGC',
  'MajorGC', 'V8.GCIncrementalMarking',
]);

/** Records what the page does in run, and returns for each frame how long its scripts had the processor, in ms. */
export async function scriptingOfFrames(browser, page, run) {
  await browser.startTracing(page, {
    categories: ['-*', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'devtools.timeline.frame',
      'disabled-by-default-devtools.timeline.frame', 'v8', 'v8.execute', '__metadata'],
  });
  let trace;
  try {
    await run();
  } finally {
    trace = await browser.stopTracing();
  }
  return frames(JSON.parse(trace).traceEvents);
}

function frames(events) {
  const name = (event) => event.ph === 'M' && event.name === 'thread_name' && event.args.name;
  const mains = events.filter((event) => name(event) === 'CrRendererMain');
  // The page's own process is the one that ran most scripts: others are spare.
  const threads = mains.map(({ pid, tid }) => events.filter((event) => event.pid === pid && event.tid === tid));
  const scripts = threads.map((of) => of.filter((event) => event.ph === 'X' && scripting.has(event.name)));
  const page = scripts.reduce((most, of, index) => (of.length > scripts[most].length ? index : most), 0);
  const begins = threads[page].filter((event) => event.name === 'BeginMainThreadFrame').map(({ ts }) => ts).sort((a, b) => a - b);
  if (begins.length === 0) throw new Error('the trace has no frames');
  const spent = new Array(begins.length + 1).fill(0);
  let end = 0;
  let frame = 0;
  for (const { ts, dur = 0, tdur } of scripts[page].sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0))) {
    if (ts < end) continue; // inside of one that is counted
    end = ts + dur;
    while (frame < begins.length && begins[frame] <= ts) frame += 1;
    // What the thread had of the processor, where the trace has it: a busy machine makes no script slower by that.
    spent[frame] += (tdur ?? dur) / 1000;
  }
  return spent;
}
