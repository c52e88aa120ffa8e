import { type KeyboardEvent, type ReactNode, useEffect, useState } from 'react';
import { clearFilters, go, isFiltered, type View } from './address';
import { className, statusClasses, words } from './labels';
import { commands, things } from './values';

/** The field for words that are searched for. */
export const searchID = 'filter-search';

const spans: readonly (readonly [string, string])[] = [
  ['', 'All time'],
  ['PT1H', 'Last hour'],
  ['PT24H', 'Last 24 hours'],
  ['P7D', 'Last 7 days'],
  ['P30D', 'Last 30 days'],
];

/** A time as the input for local times has it. */
function localInput(time: string): string {
  if (time === '' || Number.isNaN(Date.parse(time))) return '';
  const at = new Date(time);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const instant = (input: string): string => (input === '' ? '' : new Date(input).toISOString());

function Choice({
  label,
  value,
  options,
  change,
}: {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  change: (value: string) => void;
}) {
  return (
    <label>
      <span>{label}</span>
      <select
        aria-label={label}
        value={value}
        onChange={({ target }) => {
          change(target.value);
        }}
      >
        {options.map(([name, shown]) => (
          <option key={name} value={name}>
            {shown}
          </option>
        ))}
        {!options.some(([name]) => name === value) && <option value={value}>{value}</option>}
      </select>
    </label>
  );
}

/** What is typed counts when Enter is pressed or the field is left, or at once when it is emptied. */
function Words({
  id,
  label,
  hint,
  value,
  change,
}: {
  id: string;
  label: string;
  hint: string;
  value: string;
  change: (value: string) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => {
    setText(value);
  }, [value]);
  const ask = () => {
    if (text.trim() !== value) change(text.trim());
  };
  return (
    <label>
      <span>{label}</span>
      <input
        id={id}
        aria-label={label}
        type="search"
        placeholder={hint}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          if (target.value === '' && value !== '') change('');
        }}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key === 'Enter') ask();
        }}
        onBlur={ask}
      />
    </label>
  );
}

const all = (names: readonly string[]) => [['', 'Any'], ...names.map((name) => [name, words(name)] as const)] as const;
const classes = [
  ['', 'Any'],
  ...statusClasses.map((name) => [name, className[name]] as const),
  ['CLIENT_ERROR,SERVER_ERROR', 'All errors'],
] as const;

const aDay = 24 * 60 * 60_000;

/** Which time is asked for: one that ends now, or one with a beginning and an end of its own. */
export function TimeFilter({ view }: { view: View }) {
  const ranged = view.from !== '' || view.to !== '';
  const choose = (value: string) => {
    if (value === 'range') go({ from: new Date(Date.now() - aDay).toISOString(), since: '' });
    else go({ since: value, from: '', to: '' });
  };
  return (
    <>
      <Choice label="Time" value={ranged ? 'range' : view.since} options={[...spans, ['range', 'From and to …']]} change={choose} />
      {ranged &&
        (['from', 'to'] as const).map((end) => (
          <label key={end}>
            <span>{end === 'from' ? 'From' : 'To'}</span>
            <input
              type="datetime-local"
              aria-label={end === 'from' ? 'From' : 'To'}
              value={localInput(view[end])}
              onChange={({ target }) => go({ [end]: instant(target.value), since: '' })}
            />
          </label>
        ))}
    </>
  );
}

/** What is asked for. Every change goes to the address. */
export function FilterBar({ view, total, children }: { view: View; total: string; children: ReactNode }) {
  return (
    <search className="filters" aria-label="Filters">
      <Words id={searchID} label="Search" hint="Any words ( / )" value={view.search} change={(search) => go({ search })} />
      <Words id="filter-user" label="User" hint="Exact name" value={view.user} change={(user) => go({ user })} />
      <Choice label="Thing" value={view.thing} options={all(things)} change={(thing) => go({ thing })} />
      <Choice label="Command" value={view.command} options={all(commands)} change={(command) => go({ command })} />
      <Choice label="Status" value={view.status} options={classes} change={(status) => go({ status })} />
      <TimeFilter view={view} />
      {isFiltered(view) && (
        <button type="button" onClick={clearFilters}>
          Clear
        </button>
      )}
      <div className="standing">
        {children}
        <output aria-live="polite">{total}</output>
      </div>
    </search>
  );
}
