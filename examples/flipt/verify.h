/* Does an edited file say what was wanted, and everything else what it said before? */
#pragma once

#include "want.h"

/*
 * before, after   the file read before and after the edit
 * index           of the document that was edited; that many and those behind it must be in both
 * want            what its root was to become
 */
bool flipt_verify(
    const struct flipt_stream *before,
    const struct flipt_stream *after,
    size_t index,
    const struct flipt_want *want);

/* Do two documents' nodes say the same? Aliases do if they have the same name: anchors do not move. */
bool flipt_is_equal(const struct flipt_node *a, const struct flipt_node *b);
