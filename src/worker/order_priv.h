/* What order.c, order_code.c and order_host.c share: one command under way. */
#ifndef WORKER_ORDER_PRIV_H
#define WORKER_ORDER_PRIV_H

#include <bsd/sys/queue.h>

#include "presence/order.h"
#include "presence/rest.h"
#include "worker/order.h"

#define ORDER_CODE_MS     60000
#define ORDER_LOCALE_SIZE 16u

struct deed {
    struct order order; /* the first: cogs have its address */
    struct worker *w;
    LIST_ENTRY(deed) entry;
    struct prefix_args args;
    char locale[ORDER_LOCALE_SIZE];
    unsigned said;            /* messages */
    unsigned under_way;       /* of them, not yet answered */
    struct loop_timer *timer; /* its patience */
    bool ended;
    bool confirmed;           /* it carries out what was asked for with a code */
    order_answered *answered; /* of a question */
    order_done *synced;       /* of a registration */
    order_done *catalogued;   /* of a catalogue */
    order_done *reset;        /* of a reset */
    order_answered *reported; /* of a reload of modules */
};

/* A destructive command that waits for its code: one at a time. */
struct order_code {
    struct prefix_args args;
    snowflake_t author, channel, guild; /* author 0: there is none */
    unixms_t until;                     /* by Discord's clock: of the message with the code */
    char text[PREFIX_CODE_LEN + 1];
};

/* A bit per hash of a user: the first refusal is told, and whoever shares a bit is not told. */
#define ORDER_REFUSED_BITS 65536u

struct orders {
    struct worker *w;
    LIST_HEAD(, deed) deeds;
    struct order_code code;
    uint64_t refused[ORDER_REFUSED_BITS / 64];
};

/* Who says what where. */
struct order_head {
    snowflake_t id, author, channel, guild;
};

/* order.c */
struct deed *deed_new(struct worker *w, const struct order_head *head,
                      const struct prefix_args *args);
void deed_check(struct deed *d); /* frees it when it has ended and all was sent */
void deed_run(struct deed *d, prefix_run *run);
/* Of a command that changes something: a test may want the process to die here. */
void deed_debug_die(const struct deed *d, const char *point);

/* order_code.c */
void order_code_ask(struct deed *d, const char *text);
/* Whether the text was meant as the code that is waited for. */
bool order_code_take(struct worker *w, const struct order_head *head, const char *text);
bool order_code_wanted(struct worker *w, const struct order_head *head);

/* order_host.c */
extern const struct order_host order_host_functions;
void deed_say(struct deed *d, const char *text);
void deed_end(struct deed *d, const char *outcome, const char *text);
void deed_forget(struct deed *d); /* no callback comes any more */

#endif
