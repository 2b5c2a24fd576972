/* Settings as a file: exported, looked at, changed, imported. Called by the commands.
 *
 *   {"format": 1, "version": 12, "settings": {"mode": "on", "kick_caps.per_run": 5}}
 *
 * Diagnostics: none; all that is wrong with a file is told to the caller, place by place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/settings_priv.h"

#define FORMAT   1
#define FILE_MAX (1u << 20)
#define KEY_SIZE 64

void settings_export(const struct settings *s, struct buf *out)
{
    buf_printf(out, "{\n  \"format\": %d,\n  \"version\": %d,\n  \"settings\": {", FORMAT,
               (int)s->version);
    for (size_t i = 0; i < s->count; i++) {
        buf_printf(out, "%s\n    \"%s\": ", i ? "," : "", setting_infos[s->items[i].setting].key);
        setting_print_json(s->items[i].setting, &s->items[i].value, out);
    }
    buf_puts(out, s->count ? "\n  }\n}\n" : "}\n}\n");
}

struct import {
    struct reader r;
    const char *begin;
    struct settings settings;
    bool seen[SETTINGS], has_format, has_settings;
    setting_words *words;
    const char *locale;
    struct buf *faults;
    size_t fault_count;
};

/* Within functions that have im. */
#define _(text) setting_say(im->words, im->locale, (text))

static void fault(struct import *im, const char *place, const char *what)
{
    buf_printf(im->faults, "%s: %s\n", place, what);
    im->fault_count++;
}

/* The file is no JSON from here on. */
static bool broken(struct import *im, const char *what)
{
    char place[32];

    snprintf(place, sizeof(place), "byte %zu", (size_t)(im->r.p - im->begin));
    fault(im, place, what);
    return false;
}

/* A key and the colon behind it. Keys that are too long are none of ours: they are cut. */
static bool read_key(struct import *im, char key[KEY_SIZE])
{
    struct reader before = im->r, skipped;

    if (!reader_string(&im->r, key, KEY_SIZE)) {
        im->r = before;
        if (!reader_char(&before, '"') || !reader_skip(&im->r, &skipped))
            return broken(im, _("expected a key in quotes"));
        memcpy(key, "(key)", sizeof("(key)"));
    }
    return reader_char(&im->r, ':') || broken(im, _("expected : behind the key"));
}

static void put_setting(struct import *im, const char *key, struct reader value)
{
    enum setting which = setting_by_key(key, strlen(key));
    struct reader null = value;
    struct setting_value v;
    char place[KEY_SIZE + 16], *wrong;

    snprintf(place, sizeof(place), "settings.%s", key);
    if (which == SETTING_NONE) {
        fault(im, place, _("there is no such setting"));
    } else if (im->seen[which]) {
        fault(im, place, _("expected it once"));
    } else if (!(reader_word(&null, "null") && reader_end(&null))) {
        wrong = setting_read_json(which, value.p, (size_t)(value.end - value.p), &v);
        if (wrong) {
            free(wrong);
            wrong = setting_expected(which, im->words, im->locale);
            fault(im, place, wrong);
        } else {
            settings_put(&im->settings, which, &v);
        }
        free(wrong);
    }
    if (which != SETTING_NONE)
        im->seen[which] = true;
}

/* Calls `member` for each of an object's. */
static bool read_object(struct import *im, bool (*member)(struct import *im, const char *key))
{
    char key[KEY_SIZE];

    if (!reader_char(&im->r, '{'))
        return broken(im, _("expected {"));
    if (reader_char(&im->r, '}'))
        return true;
    do {
        if (!read_key(im, key) || !member(im, key))
            return false;
    } while (reader_char(&im->r, ','));
    return reader_char(&im->r, '}') || broken(im, _("expected , or }"));
}

static bool read_setting(struct import *im, const char *key)
{
    struct reader value;

    if (!reader_skip(&im->r, &value))
        return broken(im, _("expected a value"));
    put_setting(im, key, value);
    return true;
}

static bool read_number(struct import *im, const char *key, int64_t most, int64_t *v_r)
{
    if (!reader_number(&im->r, v_r))
        return broken(im, _("expected a number"));
    if (*v_r % 1000 || *v_r < 0 || *v_r / 1000 > most) {
        fault(im, key, _("expected a whole number"));
        *v_r = 0;
    }
    *v_r /= 1000;
    return true;
}

static bool read_part(struct import *im, const char *key)
{
    struct reader skipped;
    int64_t v;

    if (strcmp(key, "settings") == 0) {
        im->has_settings = true;
        return read_object(im, read_setting);
    }
    if (strcmp(key, "format") == 0) {
        im->has_format = true;
        if (!read_number(im, key, INT32_MAX, &v))
            return false;
        if (v != FORMAT)
            fault(im, key, _("expected 1: another Presence wrote this file"));
        return true;
    }
    if (strcmp(key, "version") == 0) {
        if (!read_number(im, key, INT32_MAX, &v))
            return false;
        im->settings.version = (int32_t)v;
        return true;
    }
    fault(im, key, _("expected format, version or settings"));
    return reader_skip(&im->r, &skipped) || broken(im, _("expected a value"));
}

static void check_together(struct import *im)
{
    const char *faults[SETTINGS_FAULTS_MAX];
    size_t count = settings_faults(&im->settings, faults);

    for (size_t i = 0; i < count; i++)
        fault(im, "settings", _(faults[i]));
}

static void read_file(struct import *im, size_t len)
{
    if (len > FILE_MAX)
        fault(im, "file", _("expected at most 1 MB"));
    else if (read_object(im, read_part) && !reader_end(&im->r))
        broken(im, _("expected the end of the file"));
    /* A file that says nothing must not be taken for one that resets everything. */
    if (im->fault_count == 0 && !(im->has_format && im->has_settings))
        fault(im, "file", _("expected format and settings"));
    if (im->fault_count == 0)
        check_together(im);
}

int settings_import(const char *json, size_t len, setting_words *words, const char *locale,
                    struct settings *s_r, struct buf *faults_r)
{
    struct import im = {.r = {json, json + len},
                        .begin = json,
                        .words = words,
                        .locale = locale,
                        .faults = faults_r};

    settings_init(&im.settings);
    read_file(&im, len);
    if (im.fault_count > 0) {
        settings_free(&im.settings);
        return -1;
    }
    *s_r = im.settings;
    return 0;
}
