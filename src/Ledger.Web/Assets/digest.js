// What goes out as its digest alone ([data-kind=digest]): the words stay in the browser. By itself, so that only pages that need it fetch it.
import { sha256 } from '@noble/hashes/sha2.js';

window.digest = text => Array.from(sha256(new TextEncoder().encode(text)), b => b.toString(16).padStart(2, '0')).join('');
