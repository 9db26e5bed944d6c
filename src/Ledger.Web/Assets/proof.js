// A receipt (.tlog-proof) checked in the reader's own browser: no server is asked, so it works without a network once the page is there.
// The same questions in the same order as ledger-verify (src/Ledger.Verify); a test holds the two side by side.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';

const utf8 = new TextEncoder();
const join = (...parts) => {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
};
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const hex = bytes => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
const base64 = bytes => btoa(Array.from(bytes, b => String.fromCharCode(b)).join(''));

/** Not proven, at one of the steps; why is for experts. */
class NotProven extends Error { constructor(step, why) { super(why); this.step = step; } }
const must = (holds, step, why) => { if (!holds) throw new NotProven(step, why); };

/** One text for one content: what atob would overlook (white space, bits that nobody reads) is refused. */
const unbase64 = (text, step) => {
  let bytes;
  try { bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0)); } catch { throw new NotProven(step, `base64: ${text.slice(0, 40)}`); }
  must(base64(bytes) === text, step, `base64: ${text.slice(0, 40)}`);
  return bytes;
};

/** A whole number as it is written once, of at most 63 bits; BigInt, since the log may outgrow 2^53. */
const whole = (text, step) => {
  must(/^(0|[1-9][0-9]{0,18})$/.test(text) && BigInt(text) < 2n ** 63n, step, `number: ${text.slice(0, 40)}`);
  return BigInt(text);
};

// ---- Keys (C2SP signed-note) --------------------------------------------------------------------------------------------------

const ED25519 = 1, COSIGNATURE = 4;

/** name+id+base64(type ‖ key). Of another type than these two (SM2): null, a browser has no arithmetic for it. */
const keyOf = line => {
  const [name, id, ...rest] = line.trim().split('+'), typed = unbase64(rest.join('+'), 'log');
  must(id === hex(sha256(join(utf8.encode(`${name}\n`), typed)).slice(0, 4)), 'log', `key: ${line}`);
  return typed[0] === ED25519 || typed[0] === COSIGNATURE ? { name, id, type: typed[0], key: typed.slice(1) } : null;
};
const keysOf = lines => lines.map(keyOf).filter(Boolean);

const signedBy = (key, message, signature) => {
  // As RFC 8032 says it, not as some coins do.
  try { return key.key.length === 32 && signature.length === 64 && ed25519.verify(signature, message, key.key, { zip215: false }); } catch { return false; }
};
const seconds = stamp => new DataView(stamp.buffer, stamp.byteOffset).getBigUint64(0);
const holds = (key, text, signature) =>
  key.type === ED25519
    ? signedBy(key, utf8.encode(text), signature)
    : signature.length === 72 && signedBy(key, utf8.encode(`cosignature/v1\ntime ${seconds(signature)}\n${text}`), signature.slice(8));

// ---- The checkpoint -----------------------------------------------------------------------------------------------------------

const checkpointOf = (note, keys, witnesses) => {
  const at = note.lastIndexOf('\n\n'), lines = at < 0 ? [] : note.slice(0, at).split('\n');
  must(lines.length === 3 && lines[0], 'file', 'checkpoint: origin, size, root');
  const [origin, size, root] = [lines[0], whole(lines[1], 'file'), unbase64(lines[2], 'file')], text = note.slice(0, at + 1);
  must(root.length === 32, 'file', 'root');
  const found = note.slice(at + 2).split('\n').filter(Boolean).map(line => {
    const parts = line.split(' ');
    must(parts.length === 3 && parts[0] === '—', 'file', `signature: ${line}`);
    const signature = unbase64(parts[2], 'file'), id = hex(signature.slice(0, 4));
    // Of somebody we do not know: no key, and nothing to say about it.
    return { key: [...keys, ...witnesses].find(k => k.name === parts[1] && k.id === id), signature: signature.slice(4) };
  });
  const signers = new Map();
  for (const [step, of] of [['log', keys], ['witness', witnesses]])
    for (const { key, signature } of found.filter(f => of.includes(f.key))) {
      must(holds(key, text, signature), step, `signature: ${key.name}+${key.id}`);
      if (!signers.has(key)) signers.set(key, key.type === COSIGNATURE ? Number(seconds(signature)) : null);
    }
  const own = keys.find(k => signers.has(k));
  must(own, 'log', `no signature of ${origin}`);
  must(own.name === origin, 'log', `${own.name} ≠ ${origin}`);
  const missing = witnesses.find(w => !signers.has(w));
  must(!missing, 'witness', `no signature of ${missing && missing.name}`);
  return { origin, size, root, signers: [...signers].map(([k, time]) => ({ name: k.name, id: k.id, time, isWitness: witnesses.includes(k) })) };
};

// ---- The tree (RFC 6962; the proof as RFC 9162 section 2.1.3.2 checks it) --------------------------------------------------------

const leafHash = entry => sha256(join([0], entry));
const nodeHash = (left, right) => sha256(join([1], left, right));

const includes = (index, size, leaf, proof, root) => {
  if (index >= size) return false;
  let [fn, sn, hash] = [index, size - 1n, leaf];
  for (const p of proof) {
    if (sn === 0n || p.length !== 32) return false;
    if (fn % 2n === 1n || fn === sn) {
      hash = nodeHash(p, hash);
      while (fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn / 2n, sn / 2n];
    } else hash = nodeHash(hash, p);
    [fn, sn] = [fn / 2n, sn / 2n];
  }
  return sn === 0n && same(root, hash);
};

// ---- The entry ----------------------------------------------------------------------------------------------------------------

const before = (a, b) => {
  const [x, y] = [utf8.encode(a), utf8.encode(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i] < y[i];
  return x.length < y.length;
};

/** One way to read it: members sorted by name, each once (Leaf.cs). */
const entryOf = (bytes, index) => {
  let text, entry;
  try { text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes); entry = JSON.parse(text); } catch { throw new NotProven('entry', 'JSON'); }
  must(bytes.length <= 65535, 'entry', `${bytes.length} bytes`);
  const last = [];
  for (const [all, name, colon] of text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?|[{}]/g)) {
    if (all === '{') must(last.push(null) <= 64, 'entry', 'depth');
    else if (all === '}') last.pop();
    else if (colon !== undefined) {
      must(last[last.length - 1] === null || before(last[last.length - 1], name), 'entry', `member ${name}`);
      last[last.length - 1] = name;
    }
  }
  const { headers } = entry;
  must(Number.isSafeInteger(entry.index) && BigInt(entry.index) === index, 'entry', `index ${entry.index}`);
  must(['stream', 'type', 'recordedAt'].every(m => typeof entry[m] === 'string') && Number.isSafeInteger(entry.sequence) && Number.isSafeInteger(entry.version)
    && entry.data !== null && typeof entry.data === 'object' && headers && typeof headers.actor === 'string' && typeof headers.role === 'string', 'entry', 'members');
  return entry;
};

// ---- A receipt ----------------------------------------------------------------------------------------------------------------

const HEADER = 'c2sp.org/tlog-proof@v1';

/** What is asked, in this order; the first that does not hold ends it. */
const STEPS = ['file', 'log', 'witness', 'tree', 'entry'];

/**
 * Checks a receipt with the log's keys; each of the witnesses given must have signed as well. Never throws: { ok, step, why } and, once the
 * signature held, what was signed; once everything held, the entry. Nothing of an entry that was not proven leaves this function.
 */
export const check = (file, keyLines, witnessLines = []) => {
  const known = {};
  try {
    const at = file.indexOf('\n\n'), lines = at < 0 ? [] : file.slice(0, at).split('\n');
    must(lines.length >= 3 && lines[0] === HEADER && lines[1].startsWith('extra ') && lines[2].startsWith('index '), 'file', HEADER);
    const index = whole(lines[2].slice(6), 'file'), bytes = unbase64(lines[1].slice(6), 'file'), proof = lines.slice(3).map(l => unbase64(l, 'file'));
    const checkpoint = checkpointOf(file.slice(at + 2), keysOf(keyLines), keysOf(witnessLines));
    Object.assign(known, { index: `${index}`, size: `${checkpoint.size}`, origin: checkpoint.origin, signers: checkpoint.signers, root: hex(checkpoint.root), leaf: hex(leafHash(bytes)), hashes: proof.map(hex) });
    must(includes(index, checkpoint.size, leafHash(bytes), proof, checkpoint.root), 'tree', `entry ${index} of ${checkpoint.size}`);
    const entry = entryOf(bytes, index);
    // As ledger-verify has it: nobody witnesses what is recorded ten minutes later.
    const seen = Math.min(...checkpoint.signers.filter(s => s.time !== null).map(s => s.time), Infinity);
    must(seen === Infinity || Date.parse(entry.recordedAt) <= (seen + 600) * 1000, 'entry', `recorded ${entry.recordedAt}, witnessed ${seen}`);
    return { ok: true, ...known, entry };
  } catch (e) {
    return { ok: false, ...known, step: e.step || 'file', why: e.message };
  }
};

// ---- The page -----------------------------------------------------------------------------------------------------------------

const node = (tag, text, attributes = {}, ...children) => {
  const e = document.createElement(tag);
  if (text != null) e.textContent = text;
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
};
/** The instant on a clock in China, to the minute. */
const inChina = instant => Number.isFinite(instant) && Math.abs(instant) < 8e15 ? new Date(instant + 8 * 3600e3).toISOString().slice(0, 16).replace('T', ' ') : '—';
const yuan = fen => { const t = String(Math.abs(fen)).padStart(3, '0'); return `${fen < 0 ? '-' : ''}${t.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',')}.${t.slice(-2)}`; };

/** What people ask of an entry; whatever else stands in it is shown to experts, as it was recorded. */
const facts = (result, words, types, places) => {
  const { entry } = result, { data } = entry, list = node('dl', null, { class: 'facts' });
  const put = (word, value) => value !== undefined && value !== null && list.append(node('dt', word), node('dd', `${value}`));
  put(words.what, types[entry.type] || entry.type);
  if (entry.type === 'notice_published') put(words.notice, `${data.from} – ${data.until} ${data.place}`);
  if (Number.isSafeInteger(data.amountFen)) put(words.amount, `${yuan(data.amountFen)} ${words.yuan}`);
  const year = /^member-year-(.+)-(\d{4})$/.exec(entry.stream);
  if (year) put(words.year, year[2]);
  // The code is proven; what the place is called is this page's word.
  const place = entry.headers.region;
  if (typeof place === 'string' && /^\d{4,12}$/.test(place)) put(words.place, Object.hasOwn(places, place) ? `${places[place]}（${place}）` : place);
  if (typeof data.creditedOn === 'string') put(words.credited, data.creditedOn);
  if (typeof entry.headers.effectiveDate === 'string') put(words.business, entry.headers.effectiveDate);
  put(words.recorded, inChina(Date.parse(entry.recordedAt)));
  put(words.state, words.stateOf.replace('{0}', BigInt(result.size)).replace('{1}', BigInt(result.index) + 1n));
  for (const s of result.signers) if (s.isWitness) put(words.witnessed, `${s.name} ${inChina(s.time * 1000)}`);
  list.append(node('dt', year ? words.person : words.of), node('dd', year ? `member-${year[1]}` : entry.stream, { class: 'mono' }));
  return list;
};

const experts = (result, words, file) => {
  const list = node('dl', null, { class: 'facts mono' }), put = (word, value) => value && list.append(node('dt', word), node('dd', value));
  put('log', result.origin);
  (result.signers || []).forEach(s => put('key', `${s.name}+${s.id}`));
  put('root', result.root);
  put('leaf', result.leaf);
  (result.hashes || []).forEach((h, i) => put(`proof ${i + 1}`, h));
  if (result.entry) put('entry', JSON.stringify(result.entry));
  put('why', result.why);
  const save = node('button', words.save, { type: 'button', class: 'quiet' });
  save.addEventListener('click', () => {
    const link = node('a', null, { href: URL.createObjectURL(new Blob([file], { type: 'text/plain' })), download: `${result.entry ? result.entry.sequence : 'receipt'}.tlog-proof` });
    document.body.append(link);
    link.click();
    link.remove();
  });
  return node('details', null, { class: 'noprint' }, node('summary', words.experts), list, node('p', null, {}, save));
};

/** A receipt's verdict: what was proven and what it says; of what was not proven nothing but that. */
const card = (file, page) => {
  const { words } = page;
  // A witness may have been out of reach when this was signed: whose line stands in the file is asked, and none is said to be none.
  const witnesses = page.witnesses.filter(w => file.includes(`\n— ${w.split('+')[0]} `)), result = check(file, page.keys, witnesses);
  const box = node('section', null, { class: 'proof', 'data-verdict': result.ok ? 'good' : 'bad' });
  box.append(node('p', `${result.ok ? '✓' : '✗'} ${result.ok ? words.good : words.bad}`, { class: result.ok ? 'verdict good' : 'verdict bad' }));
  if (result.ok) box.append(facts(result, words, page.types, page.places));
  const steps = node('ul', null, { class: 'todo' }), stopped = result.ok ? STEPS.length : STEPS.indexOf(result.step);
  STEPS.forEach((step, i) => {
    const none = step === 'witness' && !witnesses.length;
    const [word, colour] = i > stopped ? [words.notAsked, ''] : i === stopped ? [words.fails, 'bad'] : none ? [words.none, ''] : [words.holds, 'good'];
    steps.append(node('li', null, {}, node('span', word, { class: `badge ${colour}` }), ` ${none ? words.noWitness : words.steps[step]}`));
  });
  const how = node('details', null, result.ok ? {} : { open: '' }, node('summary', words.how), steps);
  box.append(how, experts(result, words, file));
  return box;
};

const start = () => {
  const page = JSON.parse(document.getElementById('proof').textContent), { words } = page, out = document.getElementById('verdicts');
  const show = files => {
    const cards = files.map(f => card(f, page)), bad = cards.filter(c => c.dataset.verdict === 'bad').length;
    // Of several the whole in one line, before each by itself.
    const all = bad ? words.someFail.replace('{0}', cards.length).replace('{1}', bad) : words.allHold.replace('{0}', cards.length);
    out.replaceChildren(...cards.length > 1 ? [node('p', `${bad ? '✗' : '✓'} ${all}`, { class: `verdict ${bad ? 'bad' : 'good'}` })] : [], ...cards);
  };
  show(page.receipts);
  const input = document.getElementById('receipt');
  const read = async files => {
    const texts = await Promise.all([...files].slice(0, 200).map(f => f.size > 1e6 ? '' : f.text()));
    show(texts);
    out.focus();
  };
  input.addEventListener('change', () => read(input.files));
  document.addEventListener('dragover', e => e.preventDefault());
  document.addEventListener('drop', e => { e.preventDefault(); if (e.dataTransfer.files.length) read(e.dataTransfer.files); });
};
if (typeof document !== 'undefined' && document.getElementById('proof')) start();
