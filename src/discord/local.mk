noinst_LTLIBRARIES += libdiscord.la
libdiscord_la_SOURCES = \
  src/discord/envelope.c src/discord/event.c src/discord/event_act.c src/discord/event_actor.c \
  src/discord/event_channel.c src/discord/event_guild.c src/discord/event_member.c \
  src/discord/event_message.c src/discord/event_priv.h src/discord/event_thread.c \
  src/discord/event_voice.c src/discord/gw.c src/discord/gw_codes.c src/discord/gw_link.c \
  src/discord/gw_payload.c src/discord/gw_render.c src/discord/gw_send.c src/discord/gw_state.h \
  src/discord/intents.c src/discord/scan.c src/discord/scan_skip.c src/discord/scan_skip.h \
  src/discord/scan_value.c \
  include/presence/event.h include/presence/gw.h include/presence/intents.h \
  include/presence/scan.h
libdiscord_la_SOURCES += src/discord/permissions.c include/presence/permissions.h \
  src/discord/hierarchy.c include/presence/hierarchy.h
libdiscord_la_SOURCES += src/discord/buckets.c src/discord/buckets_answer.c \
  src/discord/buckets_route.c include/presence/buckets.h \
  src/discord/form.c src/discord/outcome.c include/presence/form.h include/presence/outcome.h
libdiscord_la_SOURCES += src/discord/command_check.c src/discord/command_help.c \
  src/discord/command_parse.c src/discord/command_print.c src/discord/command_priv.h \
  src/discord/interaction.c src/discord/message.c include/presence/message.h include/presence/command.h include/presence/interaction.h
libdiscord_la_SOURCES += src/discord/prefix.c include/presence/prefix.h
