"""The bot of test_sim_python_discord.py that acts: roles, a kick, messages, files, commands, answers, as
python3-discord does them. Reports each as a line of JSON."""

import asyncio
import io
import json
import sys
import traceback

import discord
import yarl
from discord import app_commands

api, gateway, token = sys.argv[1:]
discord.http.Route.BASE = api
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)

client = discord.Client(intents=discord.Intents.all(), chunk_guilds_at_startup=True)
discord.utils.setup_logging(level=30)
tree = app_commands.CommandTree(client)


def report(what, **fields):
    print(json.dumps({"what": what} | fields), flush=True)


@tree.command(name="status", description="Who is active")
async def status(interaction):
    await interaction.response.defer(ephemeral=True)
    await interaction.edit_original_response(content="idle for 3 d")
    await interaction.followup.send("more", ephemeral=True)
    report("answered", id=str(interaction.id))


async def refused(what, call):
    try:
        await call
        report(what, code=None)
    except discord.HTTPException as e:
        report(what, code=e.code, status=e.status)


async def act():
    guild = client.guilds[0]
    regulars, mods, own = (discord.utils.get(guild.roles, name=n)
                           for n in ("Regulars", "Mods", "Presence"))
    people = sorted((m for m in guild.members if not m.bot and m != guild.owner),
                    key=lambda m: m.id)
    await people[0].add_roles(mods, reason="für 41 d idle")
    await people[1].remove_roles(regulars, reason="back")
    await people[2].kick(reason="idle 90 d")
    report("acted", given=str(people[0].id), taken=str(people[1].id), kicked=str(people[2].id),
           role=str(mods.id))
    await refused("managed", people[0].add_roles(own))
    await refused("owner", guild.owner.kick())
    await refused("gone", people[2].kick())
    general = discord.utils.get(guild.text_channels, name="general")
    message = await general.send("report", file=discord.File(io.BytesIO(b"id\n1\n"), "a.csv"),
                                 allowed_mentions=discord.AllowedMentions.none())
    message = await message.edit(content="report 2")
    report("edited", id=str(message.id), content=message.content)
    await message.delete()
    direct = await people[3].send("still there?")
    report("direct", content=direct.content, recipient=str(direct.channel.recipient.id))
    commands = await tree.sync()
    report("synced", names=[c.name for c in commands])


@client.event
async def on_ready():
    await act()


@client.event
async def on_error(event, *_):
    traceback.print_exc()
    await client.close()  # whoever waits for a report is not left waiting


async def main():
    async with client:
        await client.start(token)


try:
    asyncio.run(main())
except (KeyboardInterrupt, SystemExit):
    pass
