import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useQuery } from 'urql';
import { go } from './address';
import { histogramQuery, type StatusClass, type Where } from './documents';
import { className, classSign, number, statusClasses } from './labels';
import { intervalFor, lengthOf } from './time';

const plotHeight = 128;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

interface Columns {
  readonly starts: readonly number[];
  readonly end: number;
  /** By class, bottom first; each already holds those below it. */
  readonly stacked: readonly (readonly number[])[];
}

function chart(element: HTMLElement, columns: Columns): uPlot {
  const style = getComputedStyle(element);
  const colour = (name: StatusClass) => style.getPropertyValue(`--${name}`).trim();
  const { bars } = uPlot.paths;
  const order = statusClasses.map((name, index) => ({ name, index })).reverse();
  const text = style.getPropertyValue('--quiet').trim();
  const axis = { stroke: text, grid: { stroke: style.getPropertyValue('--line').trim() }, ticks: { show: false } };
  return new uPlot(
    {
      width: element.clientWidth,
      height: plotHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false } },
      scales: { x: { range: [columns.starts[0] ?? 0, columns.end] } },
      axes: [{ ...axis, size: 40 }, { ...axis, size: 48, values: (_, values) => values.map((n) => (Number.isInteger(n) ? number(n) : '')) }],
      series: [
        {},
        ...order.map(({ name }) => ({
          label: className[name],
          fill: colour(name),
          stroke: colour(name),
          width: 0,
          points: { show: false },
          ...(bars && { paths: bars({ align: 1, size: [0.9, 100] }) }),
        })),
      ],
      hooks: {
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 2) return;
            const at = (x: number) => new Date(plot.posToVal(x, 'x') * 1000).toISOString();
            go({ from: at(left), to: at(left + width), since: '' });
          },
        ],
      },
    },
    [[...columns.starts], ...order.map(({ index }) => [...(columns.stacked[index] ?? [])])] as uPlot.AlignedData,
    element,
  );
}

/** Entries over time by class of status. A stretch of time that is marked becomes the filter. */
export function Histogram({ where }: { where: Where }) {
  const interval = intervalFor(lengthOf(where));
  const [{ data, error, fetching }] = useQuery({
    query: histogramQuery,
    variables: { where, interval, zone },
    requestPolicy: 'cache-and-network',
  });
  const element = useRef<HTMLDivElement>(null);
  const stats = data?.entryStats;
  const buckets = stats?.buckets;
  useEffect(() => {
    if (!element.current || !stats || !buckets || buckets.length === 0) return undefined;
    const below = buckets.map(() => 0);
    const stacked = statusClasses.map((name) => {
      const counts = stats.groups.find(({ statusClass }) => statusClass === name)?.counts ?? [];
      for (const [index, count] of counts.entries()) below[index] = (below[index] ?? 0) + count;
      return [...below];
    });
    const seconds = (time: string) => Date.parse(time) / 1000;
    const host = element.current;
    const plot = chart(host, {
      starts: buckets.map(({ start }) => seconds(start)),
      end: seconds(buckets.at(-1)?.end ?? ''),
      stacked,
    });
    const watch = new ResizeObserver(() => {
      plot.setSize({ width: host.clientWidth, height: plotHeight });
    });
    watch.observe(host);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [stats, buckets]);
  return (
    <section className="histogram" aria-label="Entries over time">
      <div ref={element} className="plot" role="img" aria-label={`Entries by ${interval.toLowerCase()}; the numbers follow`} />
      {error && <p role="alert">{error.graphQLErrors[0]?.message ?? error.message}</p>}
      {!error && !fetching && buckets?.length === 0 && <p>Nothing in this time.</p>}
      <ul className="classes">
        {stats?.groups.map(
          ({ statusClass, count }) =>
            statusClass && (
              <li key={statusClass}>
                <button
                  type="button"
                  className={`status ${statusClass}`}
                  onClick={() => {
                    go({ page: 'entries', status: statusClass });
                  }}
                >
                  <span aria-hidden="true">{classSign[statusClass]}</span> {className[statusClass]} {number(count)}
                </button>
              </li>
            ),
        )}
      </ul>
    </section>
  );
}
