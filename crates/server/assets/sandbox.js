// The emulators' panel: buttons that decide a payment's fate, and what came of it.
'use strict';
const live = document.getElementById('live'), said = document.getElementById('said');
async function refresh() {
  try {
    const reply = await fetch('/', { cache: 'no-store' });
    if (!reply.ok) return;
    const page = new DOMParser().parseFromString(await reply.text(), 'text/html');
    const fresh = page.getElementById('live');
    if (fresh && fresh.innerHTML !== live.innerHTML) live.innerHTML = fresh.innerHTML;
  } catch (_) { said.textContent = 'Песочница не отвечает. · The sandbox does not answer.'; }
}
document.addEventListener('click', async (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  const { id, bank, act, post, body } = button.dataset;
  const [at, of] = [id, bank].map((word) => encodeURIComponent(word || ''));
  const url = post || `/_control/payments/${at}/${act}?bank=${of}`;
  button.disabled = true;
  try {
    const reply = await fetch(url, { method: 'POST', body: body || '{}',
      headers: { 'content-type': 'application/json' } });
    const told = await reply.json();
    said.textContent = reply.ok ? '' : [told.message, told.hint].filter(Boolean).join(' ');
  } catch (_) { said.textContent = 'Песочница не отвечает. · The sandbox does not answer.'; }
  button.disabled = false;
  await refresh();
});
// Never under a finger: whoever has tabbed to a button keeps it.
setInterval(() => {
  if (!document.hidden && !live.contains(document.activeElement)) refresh();
}, 2000);
