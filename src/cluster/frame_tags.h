#ifndef KL_CLUSTER_FRAME_TAGS_H
#define KL_CLUSTER_FRAME_TAGS_H

// The bytes that tell the kinds of frames apart.
enum kl_frame_tag {
    KL_FRAME_TAG_VERSION = 131,
    KL_FRAME_TAG_HEADER = 68,
    KL_FRAME_TAG_FIRST_PART = 69,
    KL_FRAME_TAG_PART = 70,
    KL_FRAME_TAG_PASS_THROUGH = 112,
};

#endif // KL_CLUSTER_FRAME_TAGS_H
