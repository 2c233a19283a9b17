/*
 * Git's pkt-lines: four hexadecimal digits of length, then the bytes. Writing into a buf, and reading
 * from pieces as a network gives them. Not for what the lines mean: advert, fetch, push.
 *
 * source  gitprotocol-common(5), "pkt-line Format"; gitprotocol-v2(5), "Packet-Line Framing"
 */
#pragma once

#include "base/buf.h"

#define WIRE_PKT_MAX 65520 /* bytes of a whole pkt */

void wire_pkt_printf(struct buf *to, const char *fmt, ...) PRINTF_LIKE(2, 3);
void wire_pkt_flush(struct buf *to); /* 0000 */
void wire_pkt_delim(struct buf *to); /* 0001 */

enum wire_pkt_kind { WIRE_PKT_DATA, WIRE_PKT_FLUSH, WIRE_PKT_DELIM, WIRE_PKT_END };

/* Reads pkts out of pieces. A zeroed one with `take` set is ready; release with wire_reader_deinit. */
struct wire_reader {
    /* Told of each pkt; payload is empty but for DATA. An error ends the reading. */
    enum err_kind (*take)(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err);
    void *data;
    struct buf held; /* a pkt that has come in part */
};
/* FAILED: no pkt-line; and what `take` says. */
enum err_kind wire_reader_feed(struct wire_reader *r, struct str piece, struct err *err) MUST_USE;
/* At the end of what came: UNAVAILABLE when it ended inside a pkt. */
enum err_kind wire_reader_finish(const struct wire_reader *r, struct err *err) MUST_USE;
void wire_reader_deinit(struct wire_reader *r);
#define auto_wire_reader CLEANUP(wire_reader_deinit)
