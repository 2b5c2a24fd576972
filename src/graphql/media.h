/* Media types of requests and answers (GraphQL over HTTP; RFC 9110, sections 8.3 and 12.5.1). */
#ifndef GRAPHQL_MEDIA_H
#define GRAPHQL_MEDIA_H

#include <stdbool.h>

enum media {
    MEDIA_NONE,   /* nothing that is served is accepted: 406 */
    MEDIA_JSON,   /* application/json */
    MEDIA_MODERN, /* application/graphql-response+json: the status tells errors from data */
    MEDIA_STREAM  /* text/event-stream */
};

/* What Accept (its lines joined by commas) asks for. Of the ranges that fit a type the closest one
 * says its quality, 0 being a refusal; the highest quality wins, then what is named more closely,
 * then what is named first, then JSON. NULL: JSON. *stream_r: whether text/event-stream would be
 * accepted as well. */
enum media media_accepted(const char *accept, bool *stream_r);

/* Whether Content-Type is application/json in UTF-8. */
bool media_is_json(const char *content_type);

#endif
