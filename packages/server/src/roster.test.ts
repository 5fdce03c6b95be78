/** Members that come and go. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRoster, type Seat } from './roster.ts';

test('holds exactly those who joined and have not left, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(40))), (steps) => {
      const roster = createRoster<number>();
      const seats: Seat<number>[] = [];
      const present = new Set<number>();
      for (const [name, step] of steps.entries()) {
        const leaver = step === null ? undefined : seats[step];
        if (leaver === undefined) {
          seats.push(roster.join(name));
          present.add(name);
        } else {
          roster.leave(leaver);
          present.delete(leaver.member);
        }
        expect(roster.size).toBe(present.size);
        expect(new Set(roster.all())).toEqual(present);
      }
    }),
  );
});

test('leaving twice takes nobody else out', () => {
  const roster = createRoster<string>();
  const first = roster.join('first');
  roster.join('second');
  roster.leave(first);
  roster.leave(first);
  expect(roster.all()).toEqual(['second']);
});

test('its members can be gone through while they leave', () => {
  const roster = createRoster<string>();
  const seats = ['a', 'b', 'c'].map((name) => roster.join(name));
  for (const member of roster.all()) roster.leave(seats.find((seat) => seat.member === member) as Seat<string>);
  expect(roster.size).toBe(0);
});
