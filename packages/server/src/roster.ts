/**
 * A list whose members come and go with every request. Not a Set: one that is filled and emptied all the time copies itself again and again,
 * each discarded copy keeps what stood in it until the next full collection, and most of a busy relay's garbage would hang on them.
 */

/** A member's place, to leave by. */
export interface Seat<T> {
  readonly member: T;
  /** Where it stands; -1 once it has left. */
  index: number;
}

/** The members, in no order. */
export interface Roster<T> {
  join(member: T): Seat<T>;
  /** Gives a place up; harmless the second time. */
  leave(seat: Seat<T>): void;
  /** A copy of the members, to go through while they come and go. */
  all(): T[];
  readonly size: number;
}

/** Makes an empty roster. */
export function createRoster<T>(): Roster<T> {
  const seats: Seat<T>[] = [];
  return {
    join(member) {
      const seat = { member, index: seats.length };
      seats.push(seat);
      return seat;
    },
    leave(seat) {
      const { index } = seat;
      if (index === -1) return;
      seat.index = -1;
      const last = seats.pop() as Seat<T>;
      if (last === seat) return;
      seats[index] = last;
      last.index = index;
    },
    all: () => seats.map(({ member }) => member),
    get size() {
      return seats.length;
    },
  };
}
