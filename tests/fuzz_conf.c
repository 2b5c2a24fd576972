/* libFuzzer target: any bytes as a configuration (configure --enable-fuzz CC=clang). What is
 * accepted must print as something that is accepted and prints the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "presence/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void print(const char *text, size_t len, struct buf *out)
{
    struct conf_errors errors = {NULL, 0};
    struct conf conf;

    if (conf_parse_text(text, len, "fuzz", &conf, &errors) == 0) {
        conf_print(&conf, out);
        conf_clear(&conf);
    } else if (errors.count == 0) {
        abort();
    }
    conf_errors_clear(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf first, second;

    buf_init(&first, 0);
    buf_init(&second, 0);
    print((const char *)bytes, len, &first);
    if (buf_len(&first) > 0) {
        print((const char *)buf_bytes(&first), buf_len(&first), &second);
        if (strcmp(buf_cstr(&first), buf_cstr(&second)) != 0)
            abort();
    }
    buf_clear(&first);
    buf_clear(&second);
    return 0;
}
