/* A tool of the tests: what this side makes of settings, to be held against what PostgreSQL makes
 * of them.
 *
 *   settings_check table      the table as lines of JSON, in the units of sql/011_settings.sql
 *   settings_check values     reads lines "key<TAB>JSON"; prints the value as JSON, or ! and the
 * fault settings_check together   reads lines of JSON objects; prints the keys at fault, with
 * blanks between */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/settings.h"

static const char *const types[] = {
    [VALUE_BOOLEAN] = "BOOLEAN",   [VALUE_INTEGER] = "INTEGER", [VALUE_NUMBER] = "NUMBER",
    [VALUE_SECONDS] = "SECONDS",   [VALUE_CHOICE] = "CHOICE",   [VALUE_ID] = "ID",
    [VALUE_IDS] = "IDS",           [VALUE_DELAYS] = "DELAYS",   [VALUE_ZONE] = "ZONE",
    [VALUE_LANGUAGE] = "LANGUAGE",
};

static void put_bound(struct buf *out, const char *name, const struct setting_info *info, int64_t v)
{
    bool whole = info->type == VALUE_INTEGER || info->type == VALUE_IDS;

    buf_printf(out, ",\"%s\":", name);
    if (info->most == 0 || (info->type == VALUE_IDS && name[0] == 'l'))
        buf_puts(out, "null");
    else
        buf_printf(out, "%.17g", whole ? (double)v : (double)v / 1000);
}

static void print_row(enum setting s, struct buf *out)
{
    const struct setting_info *info = &setting_infos[s];

    buf_printf(out, "{\"key\":\"%s\",\"type\":\"%s\"", info->key, types[info->type]);
    put_bound(out, "least", info, info->least);
    put_bound(out, "most", info, info->most);
    buf_puts(out, ",\"choices\":[");
    for (size_t i = 0; info->choices && info->choices[i]; i++)
        buf_printf(out, "%s\"%s\"", i ? "," : "", info->choices[i]);
    buf_puts(out, "],\"default\":");
    setting_print_json(s, &info->otherwise, out);
    buf_puts(out, ",\"means\":");
    buf_put_json(out, info->means, strlen(info->means));
    buf_puts(out, "}\n");
}

static void judge(char *line, struct buf *out)
{
    char *json = strchr(line, '\t'), *wrong;
    enum setting s = json ? setting_by_key(line, (size_t)(json - line)) : SETTING_NONE;
    struct setting_value v;

    if (s == SETTING_NONE) {
        buf_puts(out, "!there is no such setting\n");
        return;
    }
    wrong = setting_read_json(s, json + 1, strlen(json + 1), &v);
    if (wrong) {
        buf_printf(out, "!%s\n", wrong);
        free(wrong);
        return;
    }
    setting_print_json(s, &v, out);
    buf_putc(out, '\n');
    setting_free(s, &v);
}

static void judge_together(const char *line, struct buf *out)
{
    const char *faults[SETTINGS_FAULTS_MAX];
    struct settings s;
    struct buf file, wrong;

    buf_init(&file, 0);
    buf_init(&wrong, 0);
    buf_printf(&file, "{\"format\":1,\"settings\":%s}", line);
    if (settings_import(buf_cstr(&file), buf_len(&file), NULL, NULL, &s, &wrong) == 0) {
        if (settings_faults(&s, faults) > 0)
            buf_puts(out, "imported in spite of faults");
        settings_free(&s);
    }
    for (char *fault = strtok((char *)(uintptr_t)buf_cstr(&wrong), "\n"); fault;
         fault = strtok(NULL, "\n")) {
        const char *key = strncmp(fault, "settings: ", 10) == 0 ? fault + 10 : fault;

        buf_printf(out, "%.*s ", (int)strcspn(key, ":"), key);
    }
    buf_putc(out, '\n');
    buf_clear(&file);
    buf_clear(&wrong);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    char *line = NULL;
    size_t cap = 0;
    struct buf out;

    buf_init(&out, 0);
    if (strcmp(what, "table") == 0) {
        for (int s = 0; s < SETTINGS; s++)
            print_row((enum setting)s, &out);
    } else if (strcmp(what, "values") == 0 || strcmp(what, "together") == 0) {
        while (getline(&line, &cap, stdin) > 0) {
            line[strcspn(line, "\n")] = '\0';
            if (what[0] == 'v')
                judge(line, &out);
            else
                judge_together(line, &out);
        }
        free(line);
    } else {
        fprintf(stderr, "usage: settings_check table | values | together\n");
        return 2;
    }
    fwrite(buf_bytes(&out), 1, buf_len(&out), stdout);
    buf_clear(&out);
    return 0;
}
