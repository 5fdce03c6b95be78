import { describe, expect, it } from 'vitest';
import { createNameGuard, type Path, type Pointer, pointsTo } from './pointers.ts';

describe('pointers', () => {
  it.each<[Pointer, Path, boolean]>([
    [['model'], ['model'], true],
    [['model'], ['Model'], false],
    [['model'], [], false],
    [['model'], ['model', 'x'], false],
    [['model'], ['x', 'model'], false],
    [['models', '*'], ['models', 0], true],
    [['models', '*'], ['models', 17], true],
    [['models', '*'], ['models', 'a'], false],
    [['models', '*'], ['models', '0'], false],
    [['models', '*'], ['models'], false],
    [['tools', '*', 'model'], ['tools', 3, 'model'], true],
    [['tools', '*', 'model'], ['tools', 'model'], false],
    [['input', '**', 'file_id'], ['input', 'file_id'], true],
    [['input', '**', 'file_id'], ['input', 0, 'content', 2, 'file_id'], true],
    [['input', '**', 'file_id'], ['input', 0, 'file_id', 'x'], false],
    [['input', '**', 'file_id'], ['file_id'], false],
    [['a', '**', 'b', '**', 'c'], ['a', 'b', 'x', 'b', 'c'], true],
    [['a', '**'], ['a'], true],
  ])('%j points to %j: %s', (pointer, path, expected) => {
    expect(pointsTo(pointer, path, 'exact')).toBe(expected);
  });

  it('leniently takes a lone object for a list of one, and no name for an item', () => {
    expect(pointsTo(['tools', '*', 'type'], ['tools', 'type'], 'lenient')).toBe(true);
    expect(pointsTo(['tools', '*', 'type'], ['tools', 0, 'type'], 'lenient')).toBe(true);
    expect(pointsTo(['tools', '*', 'type'], ['tools', 'a', 'type'], 'lenient')).toBe(false);
    expect(pointsTo(['a', '*', 'b', '*'], ['a', 'b'], 'lenient')).toBe(true);
  });
});

describe('lookalike names', () => {
  const CHECKED: Pointer[] = [['model'], ['tools', '*', 'task'], ['input', '**', 'file_id'], ['n.x(1)']];

  it.each<Path>([
    ['Model'],
    ['MODEL'],
    ['modeL'],
    ['Tools'],
    ['tools', 0, 'Task'],
    // U+017F, the long s, and U+212A, the Kelvin sign, fold to s and k.
    ['tool\u017f'],
    ['tools', 0, 'tas\u212a'],
    ['tools', 'TASK'],
    ['input', 'a', 3, 'FILE_ID'],
    ['input', 'File_Id'],
    ['N.X(1)'],
    // a parser that keeps names as C strings ends them here
    ['model\0'],
    ['model\0x'],
    ['MODEL\0'],
    ['tools\0'],
    ['tools', 0, 'task\0'],
  ])('a checked name in other letters at %j', (...path) => {
    expect(createNameGuard(CHECKED).isLookalike(path)).toBe(true);
  });

  it.each<Path>([
    ['model'],
    ['tools'],
    ['mode1'],
    ['models'],
    ['model '],
    ['\0model'],
    ['models\0'],
    ['mod\u00e9l'],
    ['x', 'Model'],
    ['tools', 0, 'Model'],
    ['tools', 0, 'task'],
    ['Task'],
    ['File_Id'],
    ['NAX(1)'],
    [0],
    [],
  ])('none at %j', (...path) => {
    expect(createNameGuard(CHECKED).isLookalike(path)).toBe(false);
  });

  it('takes neither stars for names, nor the number of an item', () => {
    const guard = createNameGuard([
      ['models', '*'],
      ['input', '**', 'file_id'],
      ['a', '0'],
    ]);
    expect(guard.isLookalike(['models', '*\0'])).toBe(false);
    expect(guard.isLookalike(['input', '**\0'])).toBe(false);
    expect(guard.isLookalike(['a', 0])).toBe(false);
    expect(guard.isLookalike(['a', '0\0'])).toBe(true);
  });

  it('keeps apart names that read the same when joined', () => {
    const guard = createNameGuard([
      ['ab', 'c'],
      ['a', 'bc'],
    ]);
    expect(guard.isLookalike(['ab', 'C'])).toBe(true);
    expect(guard.isLookalike(['a', 'BC'])).toBe(true);
  });

  it('lets two checked names that differ in letters only stand side by side', () => {
    const both = createNameGuard([['fileuri'], ['fileUri']]);
    expect(both.isLookalike(['fileuri'])).toBe(false);
    expect(both.isLookalike(['fileUri'])).toBe(false);
    expect(both.isLookalike(['FileUri'])).toBe(true);
  });
});
