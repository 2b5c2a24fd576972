"""The bot of test_sim_python_discord.py: reports what python3-discord makes of the simulator."""

import asyncio
import json
import sys

import discord
import yarl

api, gateway, token = sys.argv[1:]
discord.http.Route.BASE = api
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)

client = discord.Client(intents=discord.Intents.all(), chunk_guilds_at_startup=True)


def report(what, **fields):
    print(json.dumps({"what": what} | fields), flush=True)


def ms(time):
    return round(time.timestamp() * 1000)


@client.event
async def on_ready():
    report("ready", user=str(client.user.id), guilds={
        str(g.id): {"name": g.name, "members": len(g.members), "chunked": g.chunked,
                    "channels": len(g.channels), "threads": len(g.threads),
                    "roles": len(g.roles)} for g in client.guilds})


@client.event
async def on_resumed():
    report("resumed")


@client.event
async def on_message(m):
    report("message", id=str(m.id), author=str(m.author.id), content=m.content,
           created_ms=ms(m.created_at))


@client.event
async def on_message_edit(before, after):
    report("edit", id=str(after.id), content=after.content)


@client.event
async def on_raw_reaction_add(r):
    report("reaction", user=str(r.user_id), channel=str(r.channel_id), emoji=str(r.emoji))


@client.event
async def on_voice_state_update(member, before, after):
    report("voice", user=str(member.id), before=before.channel and str(before.channel.id),
           after=after.channel and str(after.channel.id), self_mute=after.self_mute)


@client.event
async def on_typing(channel, user, when):
    report("typing", user=str(user.id), ms=ms(when))


@client.event
async def on_member_join(m):
    report("join", user=str(m.id), name=m.name)


@client.event
async def on_member_update(before, after):
    report("update", user=str(after.id), nick=after.nick)


@client.event
async def on_member_remove(m):
    report("leave", user=str(m.id))


@client.event
async def on_thread_create(t):
    report("thread", id=str(t.id), owner=str(t.owner_id))


@client.event
async def on_scheduled_event_create(e):
    report("scheduled", id=str(e.id))


@client.event
async def on_interaction(i):
    report("interaction", id=str(i.id), user=str(i.user.id))


async def main():
    async with client:
        await client.start(token)


try:
    asyncio.run(main())
except (KeyboardInterrupt, SystemExit):
    pass
