import { useQuery } from 'urql';
import { go, timeOf, type View } from './address';
import { overviewQuery } from './documents';
import { TimeFilter } from './filter-bar';
import { Histogram } from './histogram';
import { number, percent, words } from './labels';

interface Bar {
  readonly name: string;
  readonly count: number;
  readonly choose: (() => void) | undefined;
}

function Top({ title, bars, other }: { title: string; bars: readonly Bar[]; other: number }) {
  const most = Math.max(1, ...bars.map(({ count }) => count));
  return (
    <section className="top">
      <h2>{title}</h2>
      <ol>
        {bars.map(({ name, count, choose }) => (
          <li key={name}>
            <button type="button" disabled={!choose} onClick={choose}>
              <span>{name}</span>
              <meter min={0} max={most} value={count} aria-hidden="true" />
              <span className="count">{number(count)}</span>
            </button>
          </li>
        ))}
      </ol>
      {other > 0 && <p>{number(other)} entries of others</p>}
    </section>
  );
}

/** What happened: how much, by whom, to what, and how often it failed. */
export function Overview({ view }: { view: View }) {
  const where = timeOf(view);
  const [{ data, error, fetching }] = useQuery({
    query: overviewQuery,
    variables: { where },
    requestPolicy: 'cache-and-network',
  });
  const of = (name: string) => data?.classes.groups.find(({ statusClass }) => statusClass === name)?.count ?? 0;
  const total = data?.classes.totalCount ?? 0;
  const failed = of('CLIENT_ERROR') + of('SERVER_ERROR');
  return (
    <div className="overview">
      <search className="filters" aria-label="Filters">
        <TimeFilter view={view} />
      </search>
      <Histogram where={where} />
      {error && (
        <p role="alert" className="state">
          {error.graphQLErrors[0]?.message ?? error.message}
        </p>
      )}
      {!data && fetching && (
        <p role="status" className="state">
          Counting …
        </p>
      )}
      {data && (
        <>
          <dl className="figures">
            <div>
              <dt>Entries</dt>
              <dd>{number(total)}</dd>
            </div>
            <div>
              <dt>Failed</dt>
              <dd>
                <button
                  type="button"
                  onClick={() => {
                    go({ page: 'entries', status: 'CLIENT_ERROR,SERVER_ERROR' });
                  }}
                >
                  {number(failed)}
                </button>
              </dd>
            </div>
            <div>
              <dt>Error rate</dt>
              <dd>{percent(failed, total)}</dd>
            </div>
          </dl>
          <div className="tops">
            <Top
              title="Users"
              other={data.users.otherCount}
              bars={data.users.groups.map(({ count, user }) => ({
                name: user?.username ?? 'anonymous',
                count,
                choose: user ? () => go({ page: 'entries', user: user.username }) : undefined,
              }))}
            />
            <Top
              title="Things"
              other={data.things.otherCount}
              bars={data.things.groups.map(({ count, thing }) => ({
                name: words(thing ?? ''),
                count,
                choose: () => go({ page: 'entries', thing: thing ?? '' }),
              }))}
            />
            <Top
              title="Commands"
              other={data.commands.otherCount}
              bars={data.commands.groups.map(({ count, command }) => ({
                name: words(command ?? ''),
                count,
                choose: () => go({ page: 'entries', command: command ?? '' }),
              }))}
            />
          </div>
        </>
      )}
    </div>
  );
}
