"""The same work done with Debian's python3-discord: a dictionary (guild, user) -> last activity,
flushed to Redis every second. Run by bench.py: peer.py HTTP-BASE GATEWAY TOKEN REDIS-SOCKET MODE.

Prints one line of JSON when the guilds are there, then one per second with what it has handled.
"""

import asyncio
import functools
import json
import sys
import time

import discord
import discord.gateway
import discord.http
import redis
import yarl

INTENTS = 18943687  # what Presence asks for


def main():
    base, gateway, token, redis_socket, mode = sys.argv[1:]
    discord.http.Route.BASE = f"{base}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    original = discord.gateway.DiscordWebSocket.from_client.__func__
    discord.gateway.DiscordWebSocket.from_client = classmethod(
        functools.partial(original, zlib=mode == "zlib-stream"))
    client = Peer(redis.Redis(unix_socket_path=redis_socket), base)
    client.run(token, log_handler=None)


class Peer(discord.Client):
    """Notes who acts."""

    def __init__(self, store, base):
        super().__init__(intents=discord.Intents._from_value(INTENTS), max_messages=None,
                         chunk_guilds_at_startup=False, heartbeat_timeout=300)
        self.store = store
        self.seen = {}
        self.handled = 0

    async def on_ready(self):
        print(json.dumps({"ready": len(self.guilds)}), flush=True)
        asyncio.create_task(self.flush())

    def note(self, guild, user, ms):
        self.handled += 1
        if guild and user:
            self.seen[guild, user] = ms

    async def flush(self):
        while True:
            await asyncio.sleep(1)
            seen, self.seen = self.seen, {}
            pipe = self.store.pipeline(transaction=False)
            guilds = {}
            for (guild, user), ms in seen.items():
                guilds.setdefault(guild, {})[user] = ms
            for guild, users in guilds.items():
                pipe.zadd(f"guild:{{{guild}}}:seen", users, gt=True)
            pipe.execute()
            print(json.dumps({"handled": self.handled}), flush=True)

    async def on_message(self, message):
        if not message.author.bot and message.guild:
            self.note(message.guild.id, message.author.id, message.created_at.timestamp() * 1000)

    async def on_raw_typing(self, payload):
        self.note(payload.guild_id, payload.user_id, payload.timestamp.timestamp() * 1000)

    async def on_raw_reaction_add(self, payload):
        self.note(payload.guild_id, payload.user_id, time.time() * 1000)

    async def on_raw_reaction_remove(self, payload):
        self.note(payload.guild_id, payload.user_id, time.time() * 1000)

    async def on_voice_state_update(self, member, before, after):
        self.note(member.guild.id, member.id, time.time() * 1000)


if __name__ == "__main__":
    main()
