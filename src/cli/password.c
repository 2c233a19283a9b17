#include "cli/password.h"
#include "base/fs.h"
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_MAX 1024

enum { CTRL_C = 3, CTRL_D = 4, CTRL_U = 21, BACKSPACE = 8, DELETE = 127 };

/* One key after the other: were the line left to the terminal, Ctrl-C would end us with echo off. */
static enum err_kind read_keys(int tty, struct buf *ret, struct err *err)
{
    for (;;) {
        char key;
        ssize_t n = read(tty, &key, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "reading the password");
        if (n > 0 && key == CTRL_C)
            return err_set(err, ERR_CANCELLED, "broken off");
        if (n == 0 || (key == CTRL_D && ret->n == 0))
            return err_set(err, ERR_UNAUTHENTICATED, "no password was given");
        if (key == '\n' || key == '\r' || key == CTRL_D)
            return ERR_OK;
        if (key == CTRL_U)
            ret->n = 0;
        else if ((key == BACKSPACE || key == DELETE) && ret->n > 0)
            ret->n--;
        else if (key != BACKSPACE && key != DELETE)
            buf_char(ret, key);
        if (ret->is_failed)
            return err_set(err, ERR_LIMIT, "the password is longer than %d bytes", PASSWORD_MAX);
    }
}

enum err_kind cli_password_ask(struct cli *c, const char *prompt, struct buf *ret, struct err *err)
{
    struct termios before;
    autoclose int tty = c->io.is_notes_tty ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    if (tty < 0 || tcgetattr(tty, &before) != 0)
        return err_set(err, ERR_UNAUTHENTICATED, "no password, and no terminal to ask for it");
    ret->max = PASSWORD_MAX;
    (void)buf_reserve(ret, PASSWORD_MAX); /* so that it never moves and leaves a copy behind */
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    (void)!tcsetattr(tty, TCSAFLUSH, &quiet);
    enum err_kind r = fs_write_all(tty, prompt, strlen(prompt), err);
    if (r == ERR_OK)
        r = read_keys(tty, ret, err);
    (void)!tcsetattr(tty, TCSAFLUSH, &before);
    (void)!write(tty, "\n", 1);
    return r;
}
