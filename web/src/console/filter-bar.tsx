import { type KeyboardEvent, useEffect, useState } from 'react';
import { clearFilters, go, isFiltered, type View } from './address';
import { className, statusClasses, words } from './labels';
import { commands, things } from './values';

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

const all = (names: readonly string[]) => [['', 'Any'], ...names.map((name) => [name, words(name)] as const)] as const;
const classes = [
  ['', 'Any'],
  ...statusClasses.map((name) => [name, className[name]] as const),
  ['CLIENT_ERROR,SERVER_ERROR', 'All errors'],
] as const;

/** What is asked for. Every change goes to the address. */
export function FilterBar({ view, total }: { view: View; total: string }) {
  const [user, setUser] = useState(view.user);
  useEffect(() => {
    setUser(view.user);
  }, [view.user]);
  const ask = (event: KeyboardEvent) => {
    if (event.key === 'Enter') go({ user: user.trim() });
  };
  return (
    <search className="filters" aria-label="Filters">
      <label>
        <span>User</span>
        <input
          id="filter-user"
          aria-label="User"
          type="search"
          placeholder="Exact name ( / )"
          autoComplete="off"
          spellCheck={false}
          value={user}
          onChange={({ target }) => {
            setUser(target.value);
            if (target.value === '') go({ user: '' });
          }}
          onKeyDown={ask}
          onBlur={() => {
            if (user.trim() !== view.user) go({ user: user.trim() });
          }}
        />
      </label>
      <Choice label="Thing" value={view.thing} options={all(things)} change={(thing) => go({ thing })} />
      <Choice label="Command" value={view.command} options={all(commands)} change={(command) => go({ command })} />
      <Choice label="Status" value={view.status} options={classes} change={(status) => go({ status })} />
      <Choice
        label="Time"
        value={view.from === '' && view.to === '' ? view.since : 'range'}
        options={view.from === '' && view.to === '' ? spans : [...spans, ['range', 'From and to']]}
        change={(since) => go({ since, from: '', to: '' })}
      />
      <label>
        <span>From</span>
        <input
          type="datetime-local"
          aria-label="From"
          value={localInput(view.from)}
          onChange={({ target }) => go({ from: instant(target.value), since: '' })}
        />
      </label>
      <label>
        <span>To</span>
        <input
          type="datetime-local"
          aria-label="To"
          value={localInput(view.to)}
          onChange={({ target }) => go({ to: instant(target.value), since: '' })}
        />
      </label>
      <output aria-live="polite">{total}</output>
      {isFiltered(view) && (
        <button type="button" onClick={clearFilters}>
          Clear
        </button>
      )}
    </search>
  );
}
