import { useEffect, useState } from 'react';
import { openStorage } from '../storage';

const storage = openStorage();

/** Dark or light: what the system has, until somebody chooses. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(() => storage.getItem('theme') ?? '');
  useEffect(() => {
    if (theme === '') {
      delete document.documentElement.dataset['theme'];
      storage.removeItem('theme');
    } else {
      document.documentElement.dataset['theme'] = theme;
      storage.setItem('theme', theme);
    }
  }, [theme]);
  return (
    <label className="theme">
      <span className="hidden">Colours</span>
      <select
        value={theme}
        onChange={({ target }) => {
          setTheme(target.value);
        }}
      >
        <option value="">System colours</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
