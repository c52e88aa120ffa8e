// Components on a screen without a browser: react-test-renderer, and what a person does with it.

import { createRequire } from 'node:module';
import { eventually } from './journal.js';

// Everything React comes through require, so that there is one copy of it.
const require = createRequire(import.meta.url);
const { create } = require('react-test-renderer');

// The renderer says with each use that it is deprecated. It is still the one that needs no DOM.
const { error } = console;
console.error = (first, ...rest) => {
  if (!String(first).startsWith('react-test-renderer is deprecated')) error(first, ...rest);
};

class Screen {
  #root;

  constructor(element) {
    this.#root = create(element);
  }

  show(element) {
    this.#root.update(element);
  }

  close() {
    this.#root.unmount();
  }

  /** The ids of the items on the screen; none while it is empty. */
  ids() {
    if (this.#root.toJSON() === null) return [];
    return this.#root.root.findAllByType('li').map(({ props }) => props.id);
  }

  /** The props of a button, if it is there. */
  button(name) {
    return this.#root.root.findAllByType('button').find(({ props }) => props.name === name)?.props;
  }

  press(name) {
    this.button(name).onClick();
  }

  item(id) {
    return this.#root.root.findAllByType('li').find(({ props }) => props.id === id).props;
  }

  section() {
    return this.#root.root.findByType('section').props;
  }

  until(what, check) {
    return eventually(what, check);
  }
}

/** Shows element until the test ends. */
export function mount(t, element) {
  const screen = new Screen(element);
  t.after(() => screen.close());
  return screen;
}

/** Presses the button named more until it is gone; gives the number of pages. */
export async function pressToTheEnd(screen) {
  for (let pages = 1; ; pages++) {
    if (!screen.button('more')) return pages;
    const shown = screen.ids().length;
    screen.press('more');
    await screen.until('the next page', () => screen.ids().length > shown && !screen.button('more')?.disabled);
  }
}
