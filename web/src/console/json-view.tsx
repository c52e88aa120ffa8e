import { useMemo, useState } from 'react';
import { CopyButton } from './copy';
import { markedNumber, print } from './numbers';

/** How many members of one object or list are shown until more are asked for. */
const shownMembers = 100;

function hit(text: string, search: string): boolean {
  return search !== '' && text.toLowerCase().includes(search.toLowerCase());
}

const written = (value: unknown): string => markedNumber(value) ?? JSON.stringify(value);

/** How many names and values have the text in them. */
function hits(value: unknown, search: string): number {
  if (typeof value !== 'object' || value === null) return hit(written(value), search) ? 1 : 0;
  const list = Array.isArray(value);
  return Object.entries(value).reduce(
    (sum, [name, inner]) => sum + (!list && hit(name, search) ? 1 : 0) + hits(inner, search),
    0,
  );
}

function Scalar({ value, search }: { value: unknown; search: string }) {
  const text = written(value);
  const kind = value === null ? 'null' : markedNumber(value) === undefined ? typeof value : 'number';
  const shown = <span className={`json ${kind}`}>{text}</span>;
  return hit(text, search) ? <mark>{shown}</mark> : shown;
}

function Value({ name, value, search, depth }: { name?: string; value: unknown; search: string; depth: number }) {
  const [all, setAll] = useState(false);
  const label = name !== undefined && (
    <span className="json name">{hit(name, search) ? <mark>{name}</mark> : name}: </span>
  );
  if (typeof value !== 'object' || value === null) {
    return (
      <div className="member">
        {label}
        <Scalar value={value} search={search} />
      </div>
    );
  }
  const members = Object.entries(value);
  const list = Array.isArray(value);
  const brief = list ? `[${members.length}]` : `{${members.length}}`;
  if (members.length === 0) {
    return (
      <div className="member">
        {label}
        {list ? '[]' : '{}'}
      </div>
    );
  }
  const open = search === '' ? depth < 2 : hits(value, search) > 0;
  return (
    <details key={search} open={open} className="member">
      <summary>
        {label}
        <span className="brief">{brief}</span>
      </summary>
      {(all ? members : members.slice(0, shownMembers)).map(([inner, of]) => (
        <Value key={inner} name={inner} value={of} search={search} depth={depth + 1} />
      ))}
      {!all && members.length > shownMembers && (
        <button
          type="button"
          onClick={() => {
            setAll(true);
          }}
        >
          {members.length - shownMembers} more
        </button>
      )}
    </details>
  );
}

/** A request or response: searchable, collapsible, and to be copied as a whole. */
export function JsonView({ title, value }: { title: string; value: unknown }) {
  const [search, setSearch] = useState('');
  const text = useMemo(() => print(value), [value]);
  const found = useMemo(() => (search === '' ? undefined : hits(value, search)), [value, search]);
  return (
    <section className="payload" aria-label={title}>
      <header>
        <h3>{title}</h3>
        <output className="found">{found !== undefined && `${found} found`}</output>
        <input
          type="search"
          placeholder="Find"
          aria-label={`Find in the ${title.toLowerCase()}`}
          value={search}
          onChange={({ target }) => {
            setSearch(target.value);
          }}
        />
        <CopyButton text={text} label={`Copy the ${title.toLowerCase()}`} />
      </header>
      <div className="json-tree">
        <Value value={value} search={search} depth={0} />
      </div>
    </section>
  );
}
