// The bot of test_sim_discordjs.py: reports what discord.js makes of the simulator.
const { Client, GatewayIntentBits, Partials } = require("discord.js");

const [, , api, token] = process.argv;
const client = new Client({
  intents: Object.values(GatewayIntentBits).filter((bit) => typeof bit === "number"),
  partials: [Partials.Message, Partials.Reaction, Partials.User],
  rest: { api },
});

function report(what, fields) {
  process.stdout.write(JSON.stringify({ what, ...fields }) + "\n");
}

// What a bot does with members, roles, commands and interactions; each answer as the library reads it.
async function deeds(i) {
  const target = await i.guild.members.fetch(i.options.getString("target"));
  await i.deferReply({ flags: 64 });
  const edited = await i.editReply({ content: "at work" });
  const role = await i.guild.roles.create({ name: "Made", permissions: [], reason: "for the test" });
  const given = await target.roles.add(role, "given");
  const taken = await target.roles.remove(role, "taken");
  const listed = await client.application.commands.set([{ name: "deeds", description: "All of it" }]);
  const refused = await i.guild.members.kick(i.guild.ownerId, "not the owner").catch((e) => e.code);
  await target.kick("for the test");
  const after = await i.followUp({ content: "done", flags: 64 });
  report("deeds", {
    role: role.id, given: given.roles.cache.has(role.id), taken: !taken.roles.cache.has(role.id),
    commands: listed.map((c) => c.name), refused, edited: edited.content, after: after.content,
  });
}

client.once("clientReady", async () => {
  const guilds = {};
  for (const guild of client.guilds.cache.values()) {
    const members = await guild.members.fetch();
    guilds[guild.id] = {
      name: guild.name,
      members: members.size,
      channels: guild.channels.cache.filter((c) => !c.isThread()).size,
      threads: guild.channels.cache.filter((c) => c.isThread()).size,
      roles: guild.roles.cache.size,
    };
  }
  report("ready", { user: client.user.id, guilds });
});
client.on("shardResume", (shard, replayed) => report("resumed", { replayed }));
client.on("messageCreate", (m) =>
  report("message", { id: m.id, author: m.author.id, content: m.content, created_ms: m.createdTimestamp }));
client.on("messageUpdate", (before, after) => report("edit", { id: after.id, content: after.content }));
client.on("messageReactionAdd", (r, user) =>
  report("reaction", { user: user.id, emoji: r.emoji.name, channel: r.message.channelId }));
client.on("messagePollVoteAdd", (answer, user) => report("vote", { user, answer: answer.id }));
client.on("voiceStateUpdate", (before, after) =>
  report("voice", { user: after.id, before: before.channelId, after: after.channelId, self_mute: after.selfMute }));
client.on("typingStart", (t) => report("typing", { user: t.user.id, ms: t.startedTimestamp }));
client.on("guildMemberAdd", (m) => report("join", { user: m.id, name: m.user.username }));
client.on("guildMemberUpdate", (before, after) => report("update", { user: after.id, nick: after.nickname }));
client.on("guildMemberRemove", (m) => report("leave", { user: m.id }));
client.on("threadCreate", (t, fresh) => report("thread", { id: t.id, owner: t.ownerId, fresh }));
client.on("guildAuditLogEntryCreate", (e) => report("audit", { id: e.id, user: e.executorId }));
client.on("interactionCreate", async (i) => {
  report("interaction", { id: i.id, user: i.user.id });
  if (i.isChatInputCommand() && i.commandName === "deeds")
    await deeds(i).catch((e) => report("error", { text: String(e) }));
});
client.on("inviteCreate", (i) => report("invite", { user: i.inviterId }));
client.on("error", (e) => report("error", { text: String(e) }));
client.login(token);
