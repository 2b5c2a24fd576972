/* What the rules say of a member, for people to read: nothing is done here. What is not asked for
 * (events somebody wants to come to, roles that are paid for) is taken as absent, so a real step
 * may still be held back by it; it never comes sooner. */
#ifndef COGS_JUDGE_H
#define COGS_JUDGE_H

#include "cogs/say.h"
#include "presence/policy.h"

/* data: of StatusMember. acts: the member's last ones and voice; permissions: his in this channel,
 * 0 if they are not known. False: the guild's settings are not known at this moment. */
bool judge_member(struct call *call, const struct json *data, snowflake_t user,
                  const struct call_member *acts, uint64_t permissions,
                  struct policy_verdict *verdict_r);

enum message_colour judge_colour(const struct policy_verdict *v);
/* Two fields: what the member is, and what comes next or what stands against it. */
void judge_put(struct call *call, const struct policy_verdict *v, struct message *m);

#endif
