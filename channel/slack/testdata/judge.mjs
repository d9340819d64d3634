// Slack's own clients against the Slack of the tests: they must be able to use it,
// and what it sends must be what they expect. One line of JSON for each finding.
import { createRequire } from 'node:module';
const require = createRequire(process.cwd() + '/');
const { WebClient } = require('@slack/web-api');
const { SocketModeClient } = require('@slack/socket-mode');
const bolt = require('@slack/bolt');

const { API, BOT, APP, SECRET, CARD, VIEW } = process.env;
const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel() { return 'error'; }, setName() {} };
const say = (what, value) => console.log(JSON.stringify({ what, value }));
const word = (promise) => promise.then(() => 'ok', (e) => e.data?.error ?? e.code ?? String(e));

const web = new WebClient(BOT, { slackApiUrl: API, logger: quiet });
const { blocks, text } = JSON.parse(CARD);
const who = await web.auth.test();
say('auth.test', who.team_id);
say('bots.info', (await web.bots.info({ bot: who.bot_id })).bot.app_id);
say('users.info', (await web.users.info({ user: 'U0BOB' })).user.real_name);
say('unknown user', await word(web.users.info({ user: 'U0NOBODY' })));
say('429', await word(web.auth.test())); // limited for a second, and tried again by the client
const posted = await web.chat.postMessage({ channel: '#payments', text, blocks, mrkdwn: false, parse: 'none' });
say('post', posted.channel);
say('update', (await web.chat.update({ channel: posted.channel, ts: posted.ts, text, blocks })).ts === posted.ts);
say('whisper', await word(web.chat.postEphemeral({ channel: posted.channel, user: 'U0BOB', text })));
say('no channel', await word(web.chat.postMessage({ channel: '#nowhere', text })));
say('bad blocks', await word(web.chat.postMessage({ channel: '#payments', text, blocks: [{ type: 'header', block_id: 'h', text: { type: 'plain_text', text: 'x'.repeat(151), emoji: false } }] })));
say('bad trigger', await word(web.views.open({ trigger_id: 'none', view: JSON.parse(VIEW) })));
say('bad token', await word(new WebClient('xoxb-other', { slackApiUrl: API, logger: quiet }).auth.test()));

const socket = new SocketModeClient({ appToken: APP, logger: quiet, clientOptions: { slackApiUrl: API } });
socket.on('interactive', async ({ ack, body, envelope_id }) => {
  await ack();
  say('interactive', `${body.type} ${body.actions[0].action_id} ${body.user.id} ${body.container.message_ts === body.message.ts} ${envelope_id}`);
  say('views.open', await word(web.views.open({ trigger_id: body.trigger_id, view: JSON.parse(VIEW) })));
});
socket.on('slash_commands', async ({ ack, body }) => {
  await ack();
  const answered = await fetch(body.response_url, { method: 'POST', body: JSON.stringify({ text: 'hello', response_type: 'ephemeral' }) });
  say('slash_commands', `${body.command} ${body.text} ${answered.status}`);
});

const receiver = new bolt.HTTPReceiver({ signingSecret: SECRET, logger: quiet, endpoints: ['/slack'] });
const app = new bolt.App({ token: BOT, receiver, logger: quiet, clientOptions: { slackApiUrl: API }, convoStore: false });
app.action('cs_approve', async ({ ack, action, body }) => { await ack(); say('signed action', `${action.value} ${body.user.id}`); });
app.view('cs_reject', async ({ ack, view }) => { await ack(); say('signed dialog', view.state.values.reason.cs_reason.value); });
app.command('/countersign', async ({ ack, command }) => { await ack(); say('signed command', command.text); });
const server = await app.start(0);
await socket.start();
say('ready', server.address().port);

process.stdin.on('end', () => process.exit(0)).resume();
