bin_PROGRAMS += presence-sim
presence_sim_SOURCES = \
  src/sim/main.c src/sim/options.c src/sim/options.h src/sim/sim.h \
  src/sim/world.c src/sim/world.h src/sim/render.c src/sim/render_guild.c \
  src/sim/render_message.c src/sim/render.h src/sim/intents.h \
  src/sim/truth.c src/sim/truth.h src/sim/session.c src/sim/session.h \
  src/sim/gateway.c src/sim/gateway_in.c src/sim/gateway_session.c \
  src/sim/gateway_members.c src/sim/gateway.h \
  src/sim/act.c src/sim/act.h src/sim/act_message.c src/sim/act_reaction.c \
  src/sim/act_voice.c src/sim/act_interaction.c src/sim/act_member.c src/sim/act_thread.c src/sim/act_guild.c \
  src/sim/load.c src/sim/load.h src/sim/load_plan.h src/sim/load_make.c src/sim/load_render.c \
  src/sim/rest.c src/sim/rest.h src/sim/rest_call.h src/sim/rest_limits.c src/sim/rest_routes.c \
  src/sim/access.c src/sim/access.h src/sim/rest_body.c src/sim/rest_find.c src/sim/rest_history.c src/sim/rest_members.c \
  src/sim/rest_messages.c src/sim/rest_messages.h src/sim/rest_commands.c src/sim/commands.h src/sim/rest_interactions.c \
  src/sim/interactions.c src/sim/interactions.h src/sim/files.c src/sim/files.h \
  src/sim/control.c src/sim/control.h src/sim/control_call.h src/sim/control_conn.c src/sim/received.c src/sim/received.h
presence_sim_LDADD = liblink_httpd.la liblink_ws_server.la liblink_ws.la liblink_json.la liblink_deflate.la \
  libdiscord.la libcore.la libbase.la -lm
