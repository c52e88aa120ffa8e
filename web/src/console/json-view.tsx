import { useMemo, useState } from 'react';

/** How many members of one object or list are shown until more are asked for. */
const shownMembers = 100;

function hit(text: string, search: string): boolean {
  return search !== '' && text.toLowerCase().includes(search.toLowerCase());
}

function holds(value: unknown, search: string): boolean {
  if (typeof value !== 'object' || value === null) return hit(String(value), search);
  return Object.entries(value).some(([name, inner]) => hit(name, search) || holds(inner, search));
}

function Scalar({ value, search }: { value: unknown; search: string }) {
  const text = JSON.stringify(value);
  const shown = <span className={`json ${value === null ? 'null' : typeof value}`}>{text}</span>;
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
  const open = search === '' ? depth < 2 : holds(value, search);
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
  const [copied, setCopied] = useState(false);
  const text = useMemo(() => JSON.stringify(value, null, 2), [value]);
  return (
    <section className="payload" aria-label={title}>
      <header>
        <h3>{title}</h3>
        <input
          type="search"
          placeholder="Find"
          aria-label={`Find in the ${title.toLowerCase()}`}
          value={search}
          onChange={({ target }) => {
            setSearch(target.value);
          }}
        />
        <button
          type="button"
          onClick={() => {
            void navigator.clipboard.writeText(text).then(() => {
              setCopied(true);
            });
          }}
        >
          {copied ? 'Copied' : 'Copy'}
        </button>
      </header>
      <div className="json-tree">
        <Value value={value} search={search} depth={0} />
      </div>
    </section>
  );
}
