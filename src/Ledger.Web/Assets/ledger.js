// What the pages do by themselves: forms speak JSON with the API, say what went wrong and where, and lose nothing when the session ends.
'use strict';

const words = JSON.parse(document.getElementById('words').textContent);
const key = () => crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2)}`;
const element = (html) => { const t = document.createElement('template'); t.innerHTML = html.trim(); return t.content.firstElementChild; };
const node = (tag, text, attributes = {}) => { const e = document.createElement(tag); if (text != null) e.textContent = text; for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v); return e; };

// ---- Requests -----------------------------------------------------------------------------------------------------------------

/** Sends and resolves to { status, body, type, headers }; progress(sent, total) while it uploads. Rejects only when nothing came back. */
const send = (method, path, content, headers, progress, blob) => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  request.open(method, path);
  // The page's language, not the one that the browser was sold with
  request.setRequestHeader('Accept-Language', document.documentElement.lang);
  for (const [name, value] of Object.entries(headers)) if (value != null) request.setRequestHeader(name, value);
  if (blob) request.responseType = 'blob';
  if (progress) request.upload.onprogress = e => e.lengthComputable && progress(e.loaded, e.total);
  request.onload = () => {
    const type = request.getResponseHeader('Content-Type') || '';
    let body = request.response;
    if (!blob && type.includes('json') && body) body = JSON.parse(body);
    resolve({ status: request.status, body, type, headers: name => request.getResponseHeader(name) });
  };
  request.onerror = () => reject(new Error(words.offline));
  request.send(content);
});

/** Waits until the person has signed in again in another window; what was typed stays. */
const signedIn = () => new Promise(resolve => {
  const dialog = document.getElementById('session-ended');
  dialog.showModal();
  dialog.querySelector('[data-continue]').onclick = () => { dialog.close(); resolve(); };
});

// Who signed in last, in whatever window: what stands on somebody else's page is not his to send.
const viewer = document.body.dataset.viewer;
try { localStorage.setItem('viewer', viewer); } catch { /* a browser that keeps nothing */ }
const changedHands = () => { try { const now = localStorage.getItem('viewer'); return viewer && now && now !== viewer; } catch { return false; } };

/** As send, and again after a new sign-in when the session had ended. */
const ask = async (...request) => {
  for (;;) {
    if (changedHands()) throw Object.assign(new Error(words.changedHands), { mend: words.reload });
    const answer = await send(...request);
    if (answer.status !== 401 || document.body.dataset.role === undefined || document.body.dataset.role === '') return answer;
    await signedIn();
  }
};

// ---- From a form to JSON ------------------------------------------------------------------------------------------------------

// An amount goes out as the digits that were typed: it never becomes a floating-point number.
const mark = `amount:${key()}:`;
const json = value => JSON.stringify(value).replace(new RegExp(`"${mark}(-?[0-9]+(\\.[0-9]+)?)"`, 'g'), '$1');

/** Of a citizen id the end: a whole one may be pasted, and no more of it stays, or goes out. */
const lastFour = text => text.normalize('NFKC').replace(/[\s\p{Cf}]/gu, '').slice(-4).toUpperCase();

const read = input => {
  const kind = input.dataset.kind, text = (input.value || '').trim();
  if (kind === 'bool') return input.type === 'checkbox' ? input.checked : text === 'true';
  if (text === '') return undefined;
  if (kind === 'yuan') {
    // As the server reads a table (Money.Parse): a comma stands between groups of three and nowhere else; 300,50 is not 30050.
    const narrow = text.normalize('NFKC').replace(/[\p{Cf}\u034F\u115F\u1160\u3164\uFE00-\uFE0F]/gu, '').replace(/[\p{Pd}\u2212]/gu, '-').trim();
    const plain = narrow.replace(/^(-?)\s*¥?\s*([^\s元圆]*)\s*[元圆]?$/, '$1$2');
    return /^[-+]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?$/.test(plain) ? mark + plain.replace('+', '').replaceAll(',', '') : text;
  }
  if (kind === 'last-four') return lastFour(text);
  if (kind === 'digest') return window.digest(text); // digest.js
  if (kind === 'int') { const narrow = text.normalize('NFKC'); return /^-?\d+$/.test(narrow) ? Number(narrow) : text; }
  return text;
};

/** By its digits, as pages write it: 1234.5 is 1,234.50. */
const inYuan = digits => {
  const [, sign, whole, fen = ''] = /^(-?)0*(\d+)(?:\.(\d+))?$/.exec(digits);
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${fen.padEnd(2, '0')}`;
};

const put = (target, path, value) => {
  const steps = path.split('.');
  steps.forEach((step, i) => {
    const last = i === steps.length - 1;
    if (Array.isArray(target) || /^\d+$/.test(step)) step = Number(step);
    if (last) target[step] = value;
    else target = target[step] = target[step] || (/^\d+$/.test(steps[i + 1]) ? [] : {});
  });
};

/** The fields of a form as an object. "tiers.#.amount" counts the rows ([data-row]) that hold something; a name that ends in [] is a list; [data-kind=choice] only says which fields are asked. */
const fields = form => {
  const body = {};
  const rows = new Map();
  for (const input of form.elements) {
    if (!input.name || input.disabled || input.dataset.kind === 'choice' || input.closest('[hidden],fieldset:disabled') || input.type === 'file' && input.dataset.kind !== 'evidence') continue;
    if (input.type === 'radio' && !input.checked) continue;
    if (input.type === 'checkbox' && input.dataset.kind !== 'bool' && !input.checked) continue;
    let value = input.dataset.kind === 'evidence' ? input.digests : read(input);
    // [data-as]: what another field says; [data-with]: only where another field says something.
    if (input.dataset.as) value = form.elements[input.dataset.as].value;
    if (input.dataset.with && !form.elements[input.dataset.with].value.trim()) continue;
    if (value === undefined || input.dataset.kind === 'evidence' && (!value || value.length === 0)) continue;
    let name = input.name;
    const row = input.closest('[data-row]');
    if (row && name.includes('#')) {
      const list = name.slice(0, name.indexOf('#'));
      const counted = rows.get(list) || rows.set(list, new Map()).get(list);
      if (!counted.has(row)) counted.set(row, counted.size);
      name = name.replace('#', counted.get(row));
    }
    if (input.dataset.kind === 'evidence') put(body, name, input.multiple || input.dataset.list !== undefined ? value : value[0]);
    else if (name.endsWith('[]')) { name = name.slice(0, -2); const list = name.split('.').reduce((o, s) => o && o[s], body) || []; list.push(value); put(body, name, list); }
    else put(body, name, value);
  }
  return body;
};

/** Documents go first, each by itself; what a command carries is their digests. */
const uploadEvidence = async (form, status) => {
  for (const input of form.querySelectorAll('input[type=file][data-kind=evidence]')) {
    if (input.disabled || input.closest('[hidden]') || input.sent === input.files) continue;
    const digests = [];
    for (const file of input.files) {
      const content = new FormData();
      content.append('file', file);
      const answer = await ask('POST', '/api/evidence', content, { 'Idempotency-Key': key() }, (n, of) => status(`${words.uploading} ${file.name}`, n / of));
      if (answer.status >= 300) { answer.body.field = input.name; return answer; }
      digests.push(answer.body.digest);
    }
    if (input.files.length) { input.digests = digests; input.sent = input.files; }
  }
  return null;
};

// ---- What went wrong ----------------------------------------------------------------------------------------------------------

/** What is said is of what was sent last, in whichever form of the page: an answer to something earlier would be taken for this one's. */
const clearAll = () => {
  document.querySelectorAll('form .problem').forEach(e => clear(e.closest('form')));
  document.querySelectorAll('main > .done[role=status]').forEach(e => e.remove());
};
const clear = form => {
  form.querySelectorAll('.problem,.notes').forEach(e => e.remove());
  form.querySelectorAll('[aria-invalid]').forEach(e => { e.removeAttribute('aria-invalid'); e.removeAttribute('aria-describedby'); });
};

/** What of a table was not read and what was mended: nothing to correct, something to know. */
const noteLine = n => `${n.row ? `${words.row} ${n.row} ` : ''}${n.column ?? ''}${n.row || n.column ? '：' : ''}${n.message}`;
const notes = answer => {
  const box = node('details', null, { class: 'note notes', open: '' }), list = document.createElement('ul');
  list.append(...answer.notes.map(n => node('li', noteLine(n))));
  box.append(node('summary', `${words.notes}（${answer.notes.length}）`), list);
  return box;
};
document.addEventListener('done', e => {
  e.target.querySelectorAll('.notes').forEach(old => old.remove());
  if (e.detail?.notes?.length) e.target.append(notes(e.detail));
});

/** The control that the server calls by a field's name: tiers[0].amount is that of the first row. */
const controlOf = (form, name) => {
  const dotted = name.replace(/\[(\d+)\]/g, '.$1');
  return [...form.elements].find(e => e.name && e.type !== 'hidden' && (e.name === name || e.name === dotted || e.name.replace('#', '0') === name || name.startsWith(`${e.name}.`) || name.startsWith(`${e.name}[`) || e.name.replace('[]', '') === name));
};

/** What the person knows a field by: the words beside its control. */
const labelOf = (form, name) => {
  const control = controlOf(form, name), label = control?.closest(control.type === 'radio' ? 'fieldset' : 'label');
  return control?.getAttribute('aria-label') || (label && [...(label.querySelector('legend') || label).childNodes].find(n => n.nodeType === 3 && n.data.trim())?.data.trim());
};
/** A field's name in a refusal, as the form calls it: in English an "amount" further on is a word. */
const inWords = (form, text) => text.replace(/[A-Za-z][\w.[\]]*/g, (name, at) =>
  (/^zh/.test(document.documentElement.lang) || at === 0 || /[A-Z.[]/.test(name)) && labelOf(form, name) || name);

const show = (form, problem, again) => {
  clear(form);
  const box = node('div', null, { class: 'problem', role: 'alert', tabindex: '-1', id: `problem-${key()}` });
  box.append(node('strong', problem.title || words.failed));
  if (problem.detail) box.append(node('p', problem.field ? inWords(form, problem.detail) : problem.detail));
  if (problem.mend) box.append(node('p', `${words.mend}${problem.mend}`, { class: 'mend' }));
  if (problem.faults && problem.faults.length) {
    const table = element(`<table class="faults"><thead><tr><th scope="col"></th><th scope="col"></th><th scope="col"></th></tr></thead><tbody></tbody></table>`);
    [words.row, words.column, words.fault].forEach((w, i) => { table.querySelectorAll('th')[i].textContent = w; });
    const ofRows = problem.faults.some(f => f.row);
    table.querySelector('th').hidden = !ofRows;
    for (const f of problem.faults.slice(0, 200)) {
      const tr = document.createElement('tr');
      if (ofRows) tr.append(node('td', f.row ?? ''));
      tr.append(node('td', f.column ?? (f.field && (labelOf(form, f.field) || f.field)) ?? ''), node('td', f.message));
      table.tBodies[0].append(tr);
    }
    const scroll = node('div', null, { class: 'scroll', tabindex: '0' });
    scroll.append(table);
    box.append(scroll);
    if (problem.faultCount > 200) box.append(node('p', `… ${problem.faultCount}`));
    if (again) {
      const button = node('button', words.marked, { type: 'button', class: 'quiet' });
      button.onclick = again;
      box.append(button);
      if (form.dataset.partial !== undefined) {
        const rest = node('button', words.partial, { type: 'button', class: 'quiet' });
        rest.onclick = () => { form.partial = true; submit(form); };
        box.append(' ', rest);
      }
    }
  }
  if (problem.notes?.length) box.append(notes(problem));
  if (problem.code) { const p = node('p', null, { class: 'code' }); p.append(node('a', problem.code, { href: `/docs/problems#${problem.code}`, target: '_blank' })); box.append(p); }
  if (problem.code === 'version-mismatch') {
    const button = node('button', words.reload, { type: 'button', class: 'quiet' });
    button.onclick = () => location.reload();
    box.append(button);
  }
  // What this answer asks for besides: a part of the form that was not there before.
  const codes = [problem.code, ...(problem.faults || []).map(f => f.code)];
  form.querySelectorAll('fieldset[data-for]').forEach(part => { if (codes.includes(part.dataset.for)) part.hidden = part.disabled = false; });
  const at = form.querySelector('.status');
  at ? at.before(box) : form.append(box);
  const field = problem.field && controlOf(form, problem.field);
  if (field && !field.closest('[hidden]')) { field.setAttribute('aria-invalid', 'true'); field.setAttribute('aria-describedby', box.id); field.focus(); }
  else box.focus();
};

const download = (blob, name) => {
  const link = node('a', null, { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
};

// ---- Sending a form -----------------------------------------------------------------------------------------------------------

const fill = (template, answer) => template.replace(/\{([\w.]+)\}/g, (_, path) => encodeURIComponent(path.split('.').reduce((o, s) => o && o[s], answer) ?? ''));

const busy = (form, on) => form.querySelectorAll('button[type=submit],button:not([type])').forEach(b => { b.disabled = on; });

/** Says how long it takes once it takes longer than a second. */
const clock = form => {
  const status = form.querySelector('.status') || form.appendChild(node('p', null, { class: 'status', role: 'status' }));
  const started = Date.now();
  let what = words.working, share;
  const draw = () => {
    const seconds = Math.round((Date.now() - started) / 1000);
    status.textContent = seconds < 1 && share === undefined ? '' : `${what} ${share !== undefined && share < 1 ? `${Math.round(share * 100)}% ` : ''}${seconds ? `${seconds} ${words.seconds}` : ''}`;
    if (share !== undefined && share < 1) status.append(node('progress', null, { max: '1', value: share, 'aria-label': what }));
  };
  const timer = setInterval(draw, 500);
  return { tell: (text, part) => { what = text; share = part; draw(); }, end: text => { clearInterval(timer); status.textContent = text || ''; } };
};

// This entry of the window's history: Back comes to it again, also where the page is fetched anew.
const entry = () => {
  if (!history.state || !history.state.form) history.replaceState({ ...history.state, form: key() }, '');
  return history.state.form;
};

// Two contents that fall together would only be refused (idempotency-mismatch): it need not be a cryptographic one.
const short = text => { let a = 0x811c9dc5, b = 0x1b873593; for (let i = 0; i < text.length; i++) { a = Math.imul(a ^ text.charCodeAt(i), 0x01000193); b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b); } return `${a >>> 0}.${b >>> 0}.${text.length}`; };

/**
 * What this form sends: the same content from the same place in the history goes out again under the same key and for the same version,
 * so that neither a second click nor Back and Send again does anything twice. A refusal, or an answer that stays on this page, ends it.
 */
const sending = (form, content) => {
  // Of passwords and citizen ids not even a short hash stays in the window.
  const store = form.querySelector('[type=password],[name=citizenId],[name=bankCard]') ? memory : sessionStorage;
  const name = `sent ${entry()} ${short(`${form.dataset.api} ${content}`)}`;
  const known = store.getItem(name), sent = known ? JSON.parse(known) : { key: key(), version: form.dataset.version };
  store.setItem(name, JSON.stringify(sent));
  return { ...sent, forget: () => store.removeItem(name) };
};
const kept = new Map();
const memory = { getItem: name => kept.get(name), setItem: (name, value) => kept.set(name, value), removeItem: name => kept.delete(name) };

/** What will change was shown: the button that does it takes the place of the one that asks. Whatever is typed then is shown anew. */
const checked = (form, is) => {
  form.checked = is;
  form.querySelectorAll('[data-before-check]').forEach(b => { b.hidden = is; });
  form.querySelectorAll('[data-after-check]').forEach(b => { b.hidden = !is; });
  const out = form.dataset.report && document.querySelector(form.dataset.report);
  if (!is && out) out.replaceChildren();
};
const tally = form => form.querySelectorAll('[data-ticked]').forEach(e => { e.textContent = form.querySelectorAll('tbody input[type=checkbox]:checked').length; });
document.addEventListener('input', e => { if (e.target.form) tally(e.target.form); });
document.addEventListener('input', e => { const form = e.target.closest('form[data-check]'); if (form?.checked) checked(form, false); });

/** What is asked before it is done: {name} is what the field says, or what stands in [data-name]; of a box its label, when it is ticked. */
const asked = (form, text) => text.replace(/\{([\w-]+)\}/g, (_, name) => {
  const input = form.elements[name];
  if (!input) return form.querySelector(`[data-${name}]`)?.textContent ?? '';
  if (input.type === 'checkbox') return input.checked ? input.closest('label').textContent.trim() : '';
  if (input.type === 'file') return [...input.files].map(f => f.name).join('、');
  if (input.selectedOptions) return input.selectedOptions[0].textContent.trim();
  // An amount as it will stand in the books, not as it was typed: 200 is 200.00.
  const amount = input.dataset.kind === 'yuan' ? `${read(input) ?? ''}` : '';
  return amount.startsWith(mark) ? inYuan(amount.slice(mark.length)) : input.value.trim();
});

const unfit = input => input.dataset.kind === 'int' && typeof read(input) === 'string' ? words.whole
  : input.required && input.value && !input.value.trim() ? words.blank
  : over(input) ? words.most.replace('{0}', input.dataset.most).replace('{1}', input.value.trim().length) : '';

const submit = async (form, extra, button) => {
  const question = button?.dataset.confirm ?? form.dataset.confirm;
  // With a preview it has been asked: what will happen was shown.
  if (question && !(form.dataset.check && form.checked) && !confirm(asked(form, question))) return;
  clear(form);
  clearAll();
  // What is no number, nothing but spaces, or too long goes nowhere: the answer would speak of JSON.
  const odd = [...form.elements].find(i => i.name && !i.disabled && !i.closest('[hidden],fieldset:disabled') && unfit(i));
  if (odd) { show(form, { title: words.failed, detail: `${odd.name}：${unfit(odd)}`, field: odd.name }); return; }
  // [data-check]: the first time it only asks what would change, and shows it.
  const checks = form.checking = Boolean(form.dataset.check) && !form.checked;
  const [method, path] = (checks ? form.dataset.check : form.dataset.api).split(' ');
  const time = clock(form);
  busy(form, true);
  try {
    const refused = await uploadEvidence(form, time.tell);
    if (refused) { time.end(); show(form, refused.body); return; }
    const body = { ...fields(form), ...(form.extra || {}), ...(extra || {}) };
    for (const name of Object.keys(body)) if (name.startsWith('tier-')) delete body[name];
    if (form.tiers && form.tiers.length) body.standard.tiers = form.tiers;
    // Of a combined standard the parts that say nothing but their kind are none.
    if (body.standard?.parts) body.standard.parts = [...body.standard.parts, form.partTiers].filter(p => p && Object.keys(p).length > 1);
    const files = [...form.querySelectorAll('input[type=file]:not([data-kind=evidence])')].filter(i => !i.disabled && i.files.length);
    const attached = form.attached ? [[form.attached.field, form.attached.file]] : files.map(i => [i.name, i.files[0]]);
    let content, sent, headers = {};
    const target = `${fill(path, body)}${form.partial ? `${path.includes('?') ? '&' : '?'}partial=true` : ''}`;
    form.partial = false;
    if (attached.length || form.dataset.multipart !== undefined) {
      content = new FormData();
      for (const [name, value] of Object.entries(body)) content.append(name, value);
      for (const [name, file] of attached) content.append(name, file, file.name);
      sent = sending(form, json(body) + attached.map(([n, f]) => `${n}:${f.name}:${f.size}:${f.lastModified}`).join());
    } else {
      content = json(body);
      headers['Content-Type'] = 'application/json';
      sent = sending(form, content);
    }
    headers['Idempotency-Key'] = sent.key;
    headers['If-Match'] = sent.version ? `"${sent.version}"` : null;
    // A long file is worked through behind the page: [data-job-above], in bytes, is some five thousand rows.
    if (attached.some(([, f]) => f.size > Number(form.dataset.jobAbove))) headers.Prefer = 'respond-async';
    // [data-behind]: what takes long is read behind the page, in this form (a media type, or as it usually is).
    if (form.dataset.behind !== undefined) { headers.Prefer = 'respond-async'; headers.Accept = form.dataset.behind || null; }
    time.tell(words.working);
    const answer = await ask(method, target, content, headers, attached.length ? (n, of) => time.tell(n < of ? words.uploading : words.working, n < of ? n / of : undefined) : null);
    time.end();
    if (answer.status >= 400) {
      // What went wrong on the other side may go out again as it is; what was refused is asked anew.
      if (answer.status < 500) sent.forget();
      const again = attached.length && (async () => {
        const marked = await ask(method, target, content, { ...headers, 'Idempotency-Key': key(), Accept: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' }, null, true);
        download(marked.body, words.markedName);
      });
      show(form, typeof answer.body === 'object' && answer.body ? answer.body : { title: words.failed, detail: `HTTP ${answer.status}` }, again || null);
      return;
    }
    if (answer.headers('Preference-Applied') === 'respond-async') { sent.forget(); location.href = `/jobs/${answer.body.id}`; return; }
    if (checks) checked(form, true);
    const event = new CustomEvent('done', { bubbles: true, cancelable: true, detail: answer.body });
    const again = answer.headers('Idempotent-Replay') === 'true';
    if (!form.dispatchEvent(event)) { sent.forget(); return; }
    // Somebody did something to his account since he was last here: he is told before anything else.
    if (answer.body && answer.body.notices && answer.body.notices.length) { sent.forget(); sessionStorage.setItem('done', words.accountChanged); location.href = '/me'; return; }
    const done = again ? words.already : form.dataset.done;
    if (done && form.dataset.then) sessionStorage.setItem('done', [done, ...(answer.body?.notes ?? []).slice(0, 20).map(noteLine)].join('；'));
    if (form.dataset.then === 'reload') { sent.forget(); location.reload(); }
    else if (form.dataset.then) { location.href = fill(form.dataset.then, answer.body); }
    else {
      // Done is done: the form is gone, and another one begins empty.
      sent.forget();
      const told = node('p', `${again ? words.already : form.dataset.done || words.done} `, { class: 'done', role: 'status', tabindex: '-1' });
      told.append(node('a', words.another, { href: location.href.split('#')[0] }));
      form.replaceWith(told);
      told.focus();
    }
  } catch (e) {
    time.end();
    show(form, { title: words.failed, detail: e.message, mend: e.mend ?? words.retry });
  } finally {
    busy(form, false);
  }
};

// Also where the browser itself stops the form, and says why.
document.addEventListener('invalid', e => { if (e.target.form?.matches('form[data-api]')) clearAll(); }, true);
document.addEventListener('submit', e => {
  const form = e.target.closest('form[data-api]');
  if (!form) return;
  e.preventDefault();
  submit(form, e.submitter && e.submitter.name ? { [e.submitter.name]: e.submitter.dataset.kind === 'bool' ? e.submitter.value === 'true' : e.submitter.value } : null, e.submitter);
});

// ---- The one box: a whole citizen id goes in a body and never in an address, which browsers and servers keep ---------------------

const plainId = text => text.normalize('NFKC').replace(/[\s-]/g, '');
const isWholeId = text => /^[1-9][0-9]{5}(19|20)[0-9]{9}[0-9Xx]$/.test(plainId(text));
// Lists are filtered in the address: there its last four find the person as well.
document.addEventListener('submit', e => {
  if (!e.target.matches('form[method=get]:not([data-find])')) return;
  for (const i of e.target.elements) if (i.matches('[type=search],[type=text],:not([type])') && isWholeId(i.value || '')) i.value = lastFour(i.value);
}, true);
document.addEventListener('submit', async e => {
  const form = e.target.closest('form[data-find]');
  if (!form || !isWholeId(form.elements.q.value)) return;
  const typed = plainId(form.elements.q.value);
  e.preventDefault();
  busy(form, true);
  try {
    const answer = await ask('POST', '/api/search', json({ q: typed }), { 'Content-Type': 'application/json' });
    if (answer.status >= 400) { alert(answer.body.detail || answer.status); return; }
    const person = answer.body.groups.find(g => g.kind === 'person');
    // Other things have numbers as long: what is no citizen id may stand in the address.
    location.href = person ? person.hits[0].href : answer.body.groups.length ? `/search?q=${encodeURIComponent(typed)}` : '/search?none=true';
  } finally { busy(form, false); }
});

// Of what is pasted a browser cuts off the end without a word: here the field says how much is left, and too much is refused as it is.
const leastProse = 30; // what is shorter is a code or a number
const over = input => input.dataset.most && input.value.trim().length > Number(input.dataset.most);
document.querySelectorAll('form[data-api] :is(input, textarea)[maxlength]').forEach(input => {
  if (input.maxLength < leastProse) return;
  input.dataset.most = input.maxLength;
  input.removeAttribute('maxlength');
  if (input.tagName !== 'TEXTAREA') return;
  const left = node('small', null, { class: 'left' });
  const draw = () => {
    const rest = Number(input.dataset.most) - input.value.trim().length;
    left.textContent = (rest < 0 ? words.beyond : words.left).replace('{0}', Math.abs(rest).toLocaleString('en-US'));
    left.classList.toggle('fault', rest < 0);
  };
  (input.closest('label') ?? input).after(left);
  input.addEventListener('input', draw);
  draw();
});

// The browser would cut what is pasted to its first four: this takes the last.
document.querySelectorAll('[data-kind=last-four]').forEach(input => {
  input.removeAttribute('maxlength');
  const cut = () => { const four = lastFour(input.value); if (input.value !== four) input.value = four; };
  input.addEventListener('input', e => { if (!e.isComposing) cut(); });
  input.addEventListener('compositionend', cut);
});

// ---- Small behaviours ---------------------------------------------------------------------------------------------------------

/** [data-when="name=value|value"]: shown, and part of the form, only then. */
const when = form => form.querySelectorAll('[data-when]').forEach(part => {
  const [name, values] = part.dataset.when.split('=');
  const input = [...form.elements].find(i => i.name === name && (i.type !== 'radio' || i.checked));
  part.hidden = !input || !values.split('|').includes(input.type === 'checkbox' ? `${input.checked}` : input.value);
  // What is not shown is not asked for either: a required field in there would stop the form without a word.
  part.querySelectorAll('input,select,textarea').forEach(i => { i.disabled = part.hidden; });
});

document.addEventListener('change', e => {
  const form = e.target.form;
  if (form) when(form);
  if (e.target.matches('[data-submit]')) form.requestSubmit();
});

document.addEventListener('click', e => {
  const add = e.target.closest('[data-add-row]');
  if (add) {
    const rows = [...document.querySelectorAll(`${add.dataset.addRow} [data-row]`)], copy = rows[rows.length - 1].cloneNode(true);
    copy.querySelectorAll('input').forEach(i => { i.value = ''; });
    rows[rows.length - 1].after(copy);
    copy.querySelector('input').focus();
  }
  const remove = e.target.closest('[data-remove-row]');
  if (remove) {
    const row = remove.closest('[data-row]');
    if (row.parentElement.querySelectorAll('[data-row]').length > 1) row.remove(); else row.querySelectorAll('input').forEach(i => { i.value = ''; });
  }
  // All of a village group, or all that are shown: beside the boxes that are ticked one by one.
  const group = e.target.closest('[data-tick]');
  if (group) {
    const boxes = [...document.querySelectorAll(`[data-group="${CSS.escape(group.dataset.tick)}"] input[type=checkbox]`)], all = boxes.every(b => b.checked);
    boxes.forEach(b => { b.checked = !all; });
    boxes[0]?.dispatchEvent(new Event('input', { bubbles: true }));
  }
  if (e.target.closest('[data-print]')) window.print();
  const copy = e.target.closest('[data-copy]');
  if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => { copy.textContent = words.copied; });
  const post = e.target.closest('button[data-post]');
  if (post && (!post.dataset.confirm || confirm(post.dataset.confirm))) {
    post.disabled = true;
    ask('POST', post.dataset.post, post.dataset.body ?? '{}', { 'Content-Type': 'application/json', 'Idempotency-Key': key() })
      .then(answer => { if (answer.status < 300) location.href = post.dataset.then || location.href; else alert(answer.body.detail || answer.status); })
      .catch(e => alert(e.message))
      .finally(() => { post.disabled = false; });
  }
});

// A list that somebody comes back to is filtered as he left it; the menu leads to the whole of it.
const list = path => `list ${path}`;
if (document.querySelector('form[data-filter]')) sessionStorage.setItem(list(location.pathname), location.search);
document.querySelectorAll('.crumb a').forEach(a => { if (a.pathname !== location.pathname) a.search = a.search || sessionStorage.getItem(list(a.pathname)) || ''; });

// The people that were chosen in a list, beside the form that does something about them.
document.addEventListener('change', e => {
  const chosen = e.target.form?.querySelector('[data-chosen]');
  if (!chosen || !/^memberId/.test(e.target.name)) return;
  chosen.dataset.empty ??= chosen.textContent;
  const names = [...e.target.form.elements].filter(i => /^memberId/.test(i.name) && i.checked).map(i => i.getAttribute('aria-label').replace(/^\S+ /, ''));
  chosen.textContent = names.length ? `${words.chosen} ${names.length}：${names.join('、')}` : chosen.dataset.empty;
});

// Printed is the whole list, also what this page has not fetched yet: a printer waits for nothing, so this request does.
window.addEventListener('beforeprint', () => {
  const more = document.querySelector('a[data-rest]');
  if (!more) return;
  const request = new XMLHttpRequest();
  request.open('GET', more.dataset.rest, false);
  request.send();
  const rows = request.status === 200 && new DOMParser().parseFromString(request.responseText, 'text/html').querySelectorAll('#lines > tr');
  if (rows) more.closest('tr').replaceWith(...rows);
});

const draw = root => {
  const charts = [...root.querySelectorAll('[data-chart]:not([data-drawn])')];
  if (!charts.length) return;
  if (window.drawChart) { charts.forEach(window.drawChart); return; }
  const script = node('script', null, { src: document.body.dataset.charts });
  script.onload = () => charts.forEach(window.drawChart);
  document.head.append(script);
};

/**
 * Where a table is wider than its place its rows become paragraphs on a narrow window, each figure with its heading. What then still
 * scrolls is a stop of the keyboard, nothing else is.
 */
const fit = () => {
  document.querySelectorAll('main table').forEach(table => { if (!table.closest('.scroll')) { const scroll = node('div', null, { class: 'scroll' }); table.before(scroll); scroll.append(table); } });
  document.querySelectorAll('.scroll').forEach(fitOne);
};
const fitOne = scroll => {
  const table = scroll.querySelector(':scope > table:not(.slip)');
  if (table) {
    table.classList.remove('stack');
    if (scroll.clientWidth && scroll.clientWidth < 40 * parseFloat(getComputedStyle(document.documentElement).fontSize) && table.scrollWidth > scroll.clientWidth + 1) {
      const heads = [...table.querySelectorAll(':scope > thead > tr:last-child > *')].map(h => h.textContent.trim());
      table.querySelectorAll(':scope > tbody > tr').forEach(tr => {
        if (tr.children.length === heads.length) [...tr.children].forEach((cell, i) => { if (i && heads[i]) cell.dataset.label = heads[i]; });
      });
      table.querySelectorAll(':scope > tfoot > tr').forEach(tr => {
        let at = 0;
        for (const cell of tr.children) { if (cell.tagName === 'TD' && heads[at]) cell.dataset.label = heads[at]; at += cell.colSpan; }
      });
      table.classList.add('stack');
    }
  }
  const scrolls = scroll.scrollWidth > scroll.clientWidth + 1 || scroll.scrollHeight > scroll.clientHeight + 1;
  scrolls ? scroll.setAttribute('tabindex', '0') : scroll.removeAttribute('tabindex');
};
let resized;
window.addEventListener('resize', () => { clearTimeout(resized); resized = setTimeout(fit, 100); });
document.addEventListener('toggle', e => { if (e.target.open) fit(); }, true);
document.addEventListener('done', () => setTimeout(fit));

const prepare = root => {
  root.querySelectorAll('form').forEach(when);
  draw(root);
  fit();
};

prepare(document);
document.addEventListener('htmx:afterSwap', e => prepare(e.detail.target.parentElement || document));
document.addEventListener('htmx:responseError', e => {
  if (e.detail.xhr.status === 401) signedIn().then(() => location.reload());
});
const done = sessionStorage.getItem('done');
if (done) {
  sessionStorage.removeItem('done');
  const toast = node('p', done, { class: 'done', role: 'status' });
  document.querySelector('main').prepend(toast);
}

// ---- The roster, mended in place ----------------------------------------------------------------------------------------------

const rosterForm = document.querySelector('[data-roster]');
if (rosterForm) {
  const grid = document.querySelector(rosterForm.dataset.roster), file = document.querySelector(rosterForm.dataset.file), only = document.querySelector('[data-only-faults]');
  const columns = JSON.parse(grid.dataset.columns), most = 500;
  let rows = [], faults = new Map();
  // Who stands on another list too: the row goes, or somebody says why it stays. The reason goes out with the list.
  const question = document.querySelector('fieldset[data-for=possible-duplicate]'), [agreed, reason] = question.querySelectorAll('input');
  const asks = is => { question.hidden = question.disabled = !is; agreed.checked = false; reason.value = ''; reason.disabled = true; };
  agreed.addEventListener('change', () => { reason.disabled = !agreed.checked; });
  const quote = text => `"${`${text}`.replace(/"/g, '""')}"`;
  // Every row in the line that it has in the person's own sheet: blank lines count.
  const asFile = () => {
    const lines = [], first = rows.length ? rows[0].row : 2;
    lines[Math.max(first - 2, 0)] = columns;
    for (const r of rows) lines[r.row - 1] = r.cells;
    return new File([`\ufeff${Array.from(lines, l => l ? l.map(quote).join(',') : '').join('\r\n')}\r\n`], '名单.csv', { type: 'text/csv' });
  };
  // What was changed, or is wrong, is not filed: the step stays, and says what is missing.
  const ready = (is, wrong) => {
    const step = document.querySelector('[data-step=file]');
    step.hidden = false;
    step.querySelector('[data-ready]').hidden = !is;
    step.querySelector('[data-unready]').hidden = is;
    step.querySelector('[data-wrong]').hidden = !wrong;
    step.querySelector('[data-mended]').hidden = wrong;
    document.querySelectorAll('[data-recheck]').forEach(b => { b.hidden = is; });
  };
  const changed = () => ready(false, false);
  const cell = (row, i) => {
    const td = document.createElement('td'), fault = faults.get(`${row.row}:${columns[i]}`);
    const input = node('input', null, { value: row.cells[i], 'aria-label': `${columns[i]} ${row.row}`, autocomplete: 'off' });
    input.addEventListener('input', () => { row.cells[i] = input.value.trim(); changed(); });
    td.append(input);
    if (fault) { input.setAttribute('aria-invalid', 'true'); td.append(node('small', fault, { class: 'fault' })); }
    return td;
  };
  const render = () => {
    const wrong = new Set([...faults.keys()].map(k => Number(k.split(':')[0])));
    const shown = rows.filter(r => !only.checked || wrong.has(r.row));
    grid.tBodies[0].replaceChildren(...shown.slice(0, most).map(row => {
      const tr = document.createElement('tr');
      if (wrong.has(row.row)) tr.className = 'wrong';
      tr.append(node('th', row.row, { scope: 'row' }), ...columns.map((_, i) => cell(row, i)), node('td', row.amount != null ? Number(row.amount).toFixed(2) : '', { class: 'number' }));
      const remove = node('button', '×', { type: 'button', class: 'quiet small', 'aria-label': `${words.removeRow} ${row.row}` });
      remove.onclick = () => { rows = rows.filter(r => r !== row); tr.remove(); changed(); };
      const td = document.createElement('td');
      td.append(remove);
      tr.append(td);
      return tr;
    }));
    document.querySelector('[data-shown]').textContent = `${Math.min(shown.length, most)} / ${rows.length}`;
  };
  const checked = check => {
    rows = check.rows.map(r => ({ ...r, cells: columns.map((_, i) => r.cells[i] ?? '') }));
    faults = new Map();
    for (const f of check.faults) faults.set(`${f.row}:${f.column}`, [faults.get(`${f.row}:${f.column}`), f.message].filter(Boolean).join('；'));
    const sound = check.faults.length === 0;
    if (check.faults.some(f => f.code === 'possible-duplicate')) asks(true);
    rosterForm.extra = agreed.checked ? { confirmDuplicate: reason.value } : {};
    only.checked = !sound;
    render();
    document.querySelectorAll('[data-total]').forEach(e => { const v = check[e.dataset.total]; e.textContent = typeof v === 'number' && /amount$/i.test(e.dataset.total) ? v.toLocaleString('zh-CN', { minimumFractionDigits: 2 }) : v ?? ''; });
    document.querySelector('[data-step=mend]').hidden = false;
    document.querySelector('[data-faulty]').hidden = sound;
    document.querySelector('[data-sound]').hidden = !sound;
    ready(sound, !sound);
    document.querySelector('[data-lacking]').hidden = !(check.lackingAmount > 0);
    rosterForm.attached = { field: 'roster', file: asFile() };
    (sound ? document.querySelector('[data-ready] input') : grid.querySelector('input[aria-invalid]'))?.focus();
  };
  only.addEventListener('change', render);
  question.addEventListener('input', changed);
  file.addEventListener('done', e => { e.preventDefault(); checked(e.detail); });
  document.querySelectorAll('[data-recheck]').forEach(b => b.addEventListener('click', () => { file.attached = { field: 'roster', file: asFile() }; file.requestSubmit(); }));
  file.querySelector('input[type=file]').addEventListener('change', () => { file.attached = null; asks(false); file.requestSubmit(); });
  window.addEventListener('beforeunload', e => { if (rows.length && !rosterForm.filed) e.preventDefault(); });
  rosterForm.addEventListener('done', () => { rosterForm.filed = true; });
}

// ---- The review grid ----------------------------------------------------------------------------------------------------------

const review = document.querySelector('form[data-review]');
if (review) {
  // Marks are a draft: kept in this window until they are sent, undone with one key.
  const store = `review ${review.dataset.review} ${review.dataset.version}`;
  const marks = new Map(JSON.parse(sessionStorage.getItem(store) || '[]'));
  const grid = document.getElementById('grid');
  const rows = () => [...grid.querySelectorAll('tr[data-member]')];
  const current = () => grid.querySelector('tr.current');
  const paint = row => {
    const m = marks.get(row.dataset.member);
    row.classList.toggle('accepted', m?.accepted === true);
    row.classList.toggle('refused', m?.accepted === false);
    row.querySelector('.mark').textContent = m ? m.accepted ? `✓ ${m.reason || words.accepted}` : `✗ ${m.reason}` : row.dataset.status;
  };
  const tally = () => {
    const all = [...marks.values()];
    review.querySelector('[data-accepted]').textContent = all.filter(m => m.accepted).length;
    review.querySelector('[data-refused]').textContent = all.filter(m => !m.accepted).length;
    sessionStorage.setItem(store, JSON.stringify([...marks]));
    review.extra = { verdicts: [...marks].map(([memberId, m]) => ({ memberId, ...m })) };
  };
  let panel, shown, marked;
  document.addEventListener('htmx:beforeRequest', e => {
    if (!e.target.matches('[data-panel]')) return;
    clearTimeout(panel);
    shown = e.target.closest('tr');
  });
  const go = row => {
    if (!row) return;
    current()?.classList.remove('current');
    row.classList.add('current');
    row.scrollIntoView({ block: 'nearest' });
    row.focus({ preventScroll: true });
    // Beside it stands who is looked at, and nobody else.
    clearTimeout(panel);
    if (shown !== row) panel = setTimeout(() => row.querySelector('[data-panel]').click(), 250);
  };
  const set = (row, mark) => {
    if (!row) return;
    mark ? marks.set(row.dataset.member, mark) : marks.delete(row.dataset.member);
    marked = mark ? row : null;
    paint(row);
    tally();
  };
  /** A refusal has its reason, and so has whoever is accepted although something speaks against it. */
  const explain = (row, accepted) => {
    const dialog = document.getElementById('refusal'), reason = dialog.querySelector('input');
    dialog.querySelector('[data-who]').textContent = row.querySelector('.name').textContent;
    dialog.querySelector('[data-what]').textContent = accepted ? `${words.accepted}（${row.dataset.finding}）` : words.refused;
    reason.value = accepted ? '' : row.dataset.fault || '';
    dialog.returnValue = '';
    dialog.onclose = () => { if (dialog.returnValue === 'ok' && reason.value.trim()) { set(row, { accepted, reason: reason.value.trim() }); go(row.nextElementSibling); } else go(row); };
    dialog.showModal();
    reason.select();
  };
  /** Of this row; where it has no mark, the last one that was set: after it the next row is the present one. */
  const undo = row => {
    const last = row && !marks.has(row.dataset.member) && marked?.isConnected ? marked : row;
    set(last, null);
    go(last);
  };
  const accept = row => {
    if (row?.dataset.finding) return explain(row, true);
    set(row, { accepted: true });
    go(row?.nextElementSibling);
  };
  grid.addEventListener('click', e => {
    const row = e.target.closest('tr[data-member]');
    if (!row) return;
    go(row);
    const act = e.target.closest('[data-act]')?.dataset.act;
    if (act === 'accept') row.dataset.finding ? explain(row, true) : set(row, { accepted: true });
    if (act === 'refuse') explain(row, false);
    if (act === 'undo') set(row, null);
  });
  document.addEventListener('keydown', e => {
    if (e.target.matches('input,textarea,select') || document.querySelector('dialog[open]') || e.ctrlKey || e.metaKey || e.altKey) return;
    // Enter on a button or a link is that button's: else nobody could send the review without a mouse.
    if (e.key === 'Enter' && e.target.closest('button,a,summary')) return;
    const row = current(), list = rows(), at = list.indexOf(row);
    const keys = {
      ArrowDown: () => go(list[at + 1]), j: () => go(list[at + 1]), ArrowUp: () => go(list[Math.max(0, at - 1)]), k: () => go(list[Math.max(0, at - 1)]),
      a: () => row && accept(row), r: () => row && explain(row, false), u: () => undo(row), Enter: () => row?.querySelector('[data-panel]')?.click(),
    };
    if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
  });
  const fresh = () => { rows().forEach(paint); if (!current()) { const first = rows()[0]; first?.classList.add('current'); } };
  document.addEventListener('htmx:afterSettle', fresh);
  review.addEventListener('done', () => sessionStorage.removeItem(store));
  fresh();
  tally();
}

// ---- Before and after: the policy year ----------------------------------------------------------------------------------------

document.querySelectorAll('form[data-diff]').forEach(form => {
  const out = form.querySelector('.diff');
  const before = new Map([...form.elements].filter(i => i.name).map(i => [i, i.type === 'checkbox' ? `${i.checked}` : i.value]));
  form.addEventListener('input', () => {
    out.replaceChildren();
    for (const i of [...form.elements].filter(x => x.name)) {
      const now = i.type === 'checkbox' ? `${i.checked}` : i.value, was = before.get(i) ?? '';
      if (now === was) continue;
      const li = node('li', `${i.getAttribute('aria-label') || i.closest('label')?.firstChild.textContent.trim() || i.name}：`);
      li.append(node('del', was || '—'), ' → ', node('ins', now || '—'));
      out.append(li);
    }
    if (!out.children.length) out.append(node('li', words.unchanged));
  });
});

// ---- A meeting: what it needs and what is missing, while it is typed ------------------------------------------------------------

document.querySelectorAll('form[data-meeting]').forEach(form => {
  const out = form.querySelector('[data-carries]');
  const count = name => /^\d{1,7}$/.test(form.elements[name].value.trim()) ? Number(form.elements[name].value) : null;
  // As QuorumRule.Needed: the least whole number that reaches the fraction, or exceeds it.
  const needed = (of, rule) => { const [n, d, strictly] = rule.split('/').map(Number); return strictly ? Math.floor(of * n / d) + 1 : Math.ceil(of * n / d); };
  const says = (what, least, have) => `${what} ${least}${have === null ? '' : have < least ? `（${words.short} ${least - have}）` : `（${words.reached}）`}`;
  const draw = () => {
    const { rule, present, vote, ofAll, women } = form.elements.form.selectedOptions[0].dataset;
    const [eligible, attendance, votes] = ['eligible', 'attendance', 'votesFor'].map(count);
    const said = [rule], of = ofAll === '1' ? eligible : attendance;
    if (eligible !== null) said.push(says(words.attend, needed(eligible, present), attendance));
    if (of !== null) said.push(says(words.agree, needed(of, vote), votes));
    const [all, came] = ['women', 'womenPresent'].map(count);
    if (all !== null && Number(women.split('/')[0]) > 0) said.push(says(words.women, needed(all, women), came));
    out.textContent = said.join(' · ');
  };
  form.addEventListener('input', draw);
  draw();
});

// ---- The second factor --------------------------------------------------------------------------------------------------------

document.querySelectorAll('form[data-enrol]').forEach(form => form.addEventListener('done', e => {
  e.preventDefault();
  const part = form.querySelector('[data-enrolling]'), answer = e.detail;
  if (answer.secret) {
    part.hidden = false;
    part.querySelector('[data-qr]').src = answer.qrCode;
    part.querySelector('[data-secret]').textContent = answer.secret;
    part.querySelector('input').focus();
  } else {
    part.hidden = true;
    const list = form.querySelector('[data-codes]');
    list.replaceChildren(...answer.recoveryCodes.map(c => node('li', c)));
    form.querySelector('.status').textContent = words.recovery;
  }
}));

// ---- An answer as a report: the form says which figures and lists of it are shown -----------------------------------------------

document.querySelectorAll('form[data-report]').forEach(form => form.addEventListener('done', e => {
  if (form.dataset.check && !form.checking) return;
  e.preventDefault();
  const spec = JSON.parse(document.querySelector(`${form.dataset.report}-form`).textContent), out = document.querySelector(form.dataset.report);
  const at = (o, path) => path.split('.').reduce((x, s) => x == null ? x : x[s], o);
  const value = (o, path) => { const v = at(o, path); return v == null ? '' : spec.words && spec.words[v] ? spec.words[v] : typeof v === 'number' && /amount$/i.test(path) ? v.toLocaleString('zh-CN', { minimumFractionDigits: 2 }) : `${v}`; };
  out.replaceChildren();
  const facts = node('dl', null, { class: 'facts' });
  for (const [path, title] of spec.facts || []) if (!spec.sparse || value(e.detail, path)) facts.append(node('dt', title), node('dd', value(e.detail, path), { class: path }));
  out.append(facts);
  for (const list of spec.lists || []) {
    const rows = at(e.detail, list.path) || [];
    if (spec.sparse && !rows.length) continue;
    out.append(node('h3', `${list.title}（${rows.length}）`));
    if (!rows.length) continue;
    const table = document.createElement('table'), head = table.createTHead().insertRow(), body = table.createTBody();
    for (const [path, title] of list.columns) head.append(node('th', title, { scope: 'col', class: /amount$/i.test(path) ? 'number' : '' }));
    for (const row of rows.slice(0, 500)) {
      const tr = body.insertRow();
      for (const [path] of list.columns) tr.append(node('td', value(row, path), { class: /amount$/i.test(path) ? 'number' : '' }));
    }
    const scroll = node('div', null, { class: 'scroll', tabindex: '0' });
    scroll.append(table);
    out.append(scroll);
  }
}));

// ---- A standard: the amounts beside the tiers become the list that the API takes ------------------------------------------------

document.querySelectorAll('form[data-standard]').forEach(form => {
  form.querySelector('details')?.addEventListener('toggle', e => { const other = e.target.querySelector('[data-other]'); if (other) { other.disabled = !e.target.open; when(form); } });
  form.addEventListener('submit', () => {
    const tiers = [...form.querySelectorAll('[data-tier]')].filter(i => !i.closest('[hidden],fieldset:disabled') && i.value.trim());
    form.tiers = tiers.map(i => ({ tierAmount: mark + i.dataset.tier, amount: read(i) }));
    const parts = [...form.querySelectorAll('[data-part-tier]')].filter(i => !i.closest('[hidden],fieldset:disabled') && i.value.trim());
    form.partTiers = parts.length ? { kind: 'per-tier', tiers: parts.map(i => ({ tierAmount: mark + i.dataset.partTier, amount: read(i) })) } : null;
  }, true);
});

// ---- A file that comes as JSON, because fetching it is a command and stands in the audit trail ----------------------------------

const refuseFile = (button, field, problem) => {
  button.parentElement.parentElement.querySelector(':scope > .problem')?.remove();
  field?.removeAttribute('aria-invalid');
  field?.removeAttribute('aria-describedby');
  if (!problem) return;
  const box = node('div', null, { class: 'problem', role: 'alert', id: `problem-${key()}` });
  box.append(node('p', problem.title), node('p', `${words.mend}${problem.mend}`, { class: 'mend' }));
  button.parentElement.after(box);
  if (field) { field.setAttribute('aria-invalid', 'true'); field.setAttribute('aria-describedby', box.id); field.focus(); }
};
document.querySelectorAll('[data-file-of]').forEach(button => {
  // Enter in the field beside it means this button, and not the form around.
  const field = button.dataset.reason && document.querySelector(button.dataset.reason);
  field?.addEventListener('keydown', e => { if (e.key === 'Enter') { e.preventDefault(); button.click(); } });
});
document.querySelectorAll('[data-file-of]').forEach(button => button.addEventListener('click', async () => {
  button.disabled = true;
  try {
    const profile = button.dataset.profile && document.querySelector(button.dataset.profile)?.value;
    const reason = button.dataset.reason && document.querySelector(button.dataset.reason);
    refuseFile(button, reason);
    if (reason && !reason.value.trim()) { refuseFile(button, reason, { title: words.noReason, mend: words.giveReason }); return; }
    const answer = await ask('POST', `${button.dataset.fileOf}${profile ? `?profile=${encodeURIComponent(profile)}` : ''}`, reason ? JSON.stringify({ reason: reason.value }) : '{}', { 'Content-Type': 'application/json', 'Idempotency-Key': key() });
    if (answer.status >= 300) { refuseFile(button, reason, { title: answer.body.detail, mend: answer.body.mend }); return; }
    // Fetching it was an event: the forms of this page go on from there.
    const version = answer.headers('ETag')?.replace(/"/g, '');
    if (version) document.querySelectorAll('form[data-version]').forEach(form => { form.dataset.version = version; });
    const bytes = Uint8Array.from(atob(answer.body.content), c => c.charCodeAt(0));
    download(new Blob([bytes], { type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' }), answer.body.fileName);
  } finally { button.disabled = false; }
}));

// The roster is checked against the money that was chosen above it, and filed for the same.
document.querySelectorAll('#check select[name=subAccount]').forEach(select => select.addEventListener('change', () => { document.querySelector('[data-pocket]').value = select.value; }));

// ---- What waits: the number beside 待办, asked for again every few seconds as long as somebody looks at the page -----------------

const tasks = document.querySelector('[data-tasks]');
if (tasks) {
  const badge = tasks.querySelector('span');
  let timer = 0;
  const count = async () => {
    if (document.hidden) return;
    try {
      const answer = await send('GET', '/api/tasks/count', null, {});
      // Whoever has signed out meanwhile is told when he does something.
      if (answer.status === 401 || answer.status === 403) clearInterval(timer);
      if (answer.status !== 200) return;
      const { count, missed } = answer.body;
      if (badge.textContent !== `${count}`) badge.textContent = count;
      badge.hidden = count === 0;
      badge.classList.toggle('bad', missed > 0);
    } catch { /* The connection is gone: the next look may get through. */ }
  };
  timer = setInterval(count, 8000);
  document.addEventListener('visibilitychange', count);
  count();
}

// ---- A job's progress, while it runs ---------------------------------------------------------------------------------------------

document.querySelectorAll('[data-job]').forEach(async at => {
  const set = (name, rows) => { const place = at.querySelector(`[data-job-${name}]`); if (place && rows !== null) place.textContent = rows.toLocaleString('en-US'); };
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, 1000));
    const answer = await send('GET', `/api/jobs/${at.dataset.job}`, null, {}).catch(() => null);
    if (answer === null) continue;
    if (answer.status >= 400) return;
    const { state, rowsTotal, rowsChecked, rowsDone } = answer.body;
    if (!['waiting', 'running'].includes(state)) { location.reload(); return; }
    set('checked', rowsChecked); set('done', rowsDone); set('total', rowsTotal);
    const bar = at.querySelector('progress');
    // Of what nobody knows the end the bar only moves.
    if (rowsTotal === null) bar.removeAttribute('value');
    else { bar.max = rowsTotal * 2; bar.value = rowsChecked + rowsDone; }
  }
});
