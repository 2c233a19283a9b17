/* cup image prune: remove what no name of the local store needs, and names by age or size. */
#include "base/units.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/store.h"

struct prune_options {
    struct cli_transport transport;
    const char *max_size;
    const char *max_age;
    const char *grace;
    bool removes_all;
    bool is_dry_run;
};

#define OPTION(member) offsetof(struct prune_options, member)
static const struct cli_option options[] = {
    {"max-size", 0, CLI_OPTION_TEXT, "SIZE",
     "remove the images used longest ago until the rest fits, as in 2GiB", OPTION(max_size)},
    {"max-age", 0, CLI_OPTION_TEXT, "DUR",
     "remove the images not used for so long, as in 30d or 12h", OPTION(max_age)},
    {"all", 0, CLI_OPTION_FLAG, NULL, "remove every image that no running cupd uses",
     OPTION(removes_all)},
    {"grace", 0, CLI_OPTION_TEXT, "DUR",
     "keep blobs that nothing needs for so long, as another tool may be at work; default: 1h",
     OPTION(grace)},
    {"dry-run", 0, CLI_OPTION_FLAG, NULL, "only say what would go", OPTION(is_dry_run)},
    {0},
};

/* Days as well: ages of images are told in them. */
static enum err_kind parse_age(const char *flag, const char *text, int64_t *ret_s, struct err *err)
{
    uint64_t days;
    int64_t ms;
    struct str number = str_from(text);
    if (str_ends(number, STR("d")) && str_to_u64(str_take(number, number.n - 1), &days) &&
        days < 1000000) {
        *ret_s = (int64_t)days * 24 * 3600;
        return ERR_OK;
    }
    if (units_parse_duration(number, &ms, err) != ERR_OK) {
        err_wrap(err, "'%s'", flag);
        return err_as(err, ERR_USAGE);
    }
    *ret_s = ms / 1000;
    return ERR_OK;
}

static enum err_kind
read_options(const struct prune_options *o, struct oci_prune_options *ret, struct err *err)
{
    *ret = (struct oci_prune_options){
        .removes_all = o->removes_all,
        .max_age_s = -1,
        .max_bytes = UINT64_MAX,
        .grace_s = OCI_PRUNE_GRACE_S,
        .is_dry_run = o->is_dry_run,
    };
    if (o->max_size != NULL &&
        units_parse_size(str_from(o->max_size), &ret->max_bytes, err) != ERR_OK) {
        err_wrap(err, "'--max-size'");
        return err_as(err, ERR_USAGE);
    }
    enum err_kind r = ERR_OK;
    if (o->max_age != NULL)
        r = parse_age("--max-age", o->max_age, &ret->max_age_s, err);
    if (r == ERR_OK && o->grace != NULL)
        r = parse_age("--grace", o->grace, &ret->grace_s, err);
    return r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct prune_options *o = data;
    auto_store struct cli_store store = {0};
    struct oci_prune_options how;
    enum err_kind r = read_options(o, &how, err);
    if (r == ERR_OK)
        r = cli_store_open(c, &o->transport, &store, err);
    return r == ERR_OK ? cli_prune(c, store.images.session, store.where, &how, err) : r;
}

const struct cli_command cmd_image_prune = {
    .name = "prune",
    .summary = "Remove from the local store what no image needs, and images by age or size",
    .usage = "[oci-layout:DIR]",
    .details =
        "Blobs that no name needs go; signatures and other attachments go with their image. With\n"
        "--max-age, --max-size and --all images go first, with all their names. What a running\n"
        "cupd uses, and what a pull or pack under way has brought, stays.\n",
    .options = options,
    .shared_options = cli_store_options,
    .options_bytes = sizeof(struct prune_options),
    .run = run,
};
