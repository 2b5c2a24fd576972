/* Text for people, in UTF-8: counting and cutting by characters, what nobody can see, and what
 * Discord would read as markup. */
#ifndef PRESENCE_TEXT_H
#define PRESENCE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"

/* Decodes the character at p, end behind the text. Returns its length, 0 if it is not well-formed
 * (or p is the end). */
size_t text_char(const char *p, const char *end, uint32_t *c_r);

/* Code points; a byte that is not well-formed counts as one. Discord's limits are in characters. */
size_t text_chars(const char *text);

/* Appends at most max characters; what is cut ends with an ellipsis that is among them. */
void text_put(const char *text, size_t max, struct buf *out);

/* The same for a text that somebody else wrote: characters that nobody sees, or that turn the
 * direction of the line, are left out, lines become one, and Discord's markup is escaped, so that
 * it is shown as it was written and mentions nobody. */
void text_put_foreign(const char *text, size_t max, struct buf *out);

/* Whether it holds control characters other than the line feed, characters without width, or ones
 * that turn the direction. The joiners that emoji and Indic scripts need are none of them. */
bool text_unseen(const char *text);

#endif
