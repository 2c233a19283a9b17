#include "oci/warning.h"
#include "base/mem.h"
#include "oci/challenge.h"
#include "oci/digest.h"

#include <pthread.h>
#include <stdio.h>

enum { TOLD_MAX = 32, OF_ANSWER_MAX = 8 };

struct oci_warnings {
    void (*note)(void *data, const char *text);
    void *note_data;
    pthread_mutex_t lock; /* guards what was told */
    char *told[TOLD_MAX]; /* whole lines */
    size_t count;
};

struct oci_warnings *oci_warnings_new(void (*note)(void *data, const char *text), void *note_data)
{
    struct oci_warnings *w = mem_new(struct oci_warnings);
    w->note = note;
    w->note_data = note_data;
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

struct oci_warnings *oci_warnings_free(struct oci_warnings *w)
{
    if (w == NULL)
        return NULL;
    for (size_t i = 0; i < w->count; i++)
        free(w->told[i]);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

bool oci_warning_parse(struct str value, struct buf *ret)
{
    value = str_trim(value);
    struct str code = str_cut(&value, ' ');
    if (value.p == NULL || !str_eqz(code, "299"))
        return false;
    (void)str_cut(&value, ' '); /* the agent: "-" */
    value = str_trim(value.p != NULL ? value : STR(""));
    return value.n > 0 && value.p[0] == '"' && oci_header_value(&value, ret, NULL) == ERR_OK &&
        ret->n > 0;
}

/* Is it new? Then it is remembered; a registry that has more to say than fits is not listened to. */
static bool remember(struct oci_warnings *w, const char *line)
{
    pthread_mutex_lock(&w->lock);
    bool is_new = w->count < TOLD_MAX;
    for (size_t i = 0; is_new && i < w->count; i++)
        is_new = strcmp(w->told[i], line) != 0;
    if (is_new)
        w->told[w->count++] = mem_strdup(line);
    pthread_mutex_unlock(&w->lock);
    return is_new;
}

void oci_warnings_tell(
    struct oci_warnings *w, const char *where, const struct http_client_response *response)
{
    for (size_t i = 0; w->note != NULL && i < OF_ANSWER_MAX; i++) {
        autobuf struct buf text = {0};
        char shown[OCI_SHOWN_MAX];
        struct str value = http_client_header(response, "Warning", i);
        if (value.p == NULL)
            return;
        if (!oci_warning_parse(value, &text))
            continue;
        autofree char *line =
            mem_printf("%s: warning: %s", where, oci_show(buf_view(&text), shown));
        if (remember(w, line))
            w->note(w->note_data, line);
    }
}
