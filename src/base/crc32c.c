/*
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78). Debian has no static archive of a library
 * for it, so this is our own: the processor's instruction where there is one.
 *
 * One such instruction has a latency of three cycles and a throughput of one, so three runs of
 * bytes are computed side by side. To join them, the checksum of a run is shifted by the length of
 * what follows, which in the ring of polynomials is one carry-less multiplication by x^(8 n - 33);
 * the instruction itself reduces the product (Intel, "Fast CRC Computation for iSCSI Polynomial
 * Using CRC32 Instruction").
 *
 * Where carry-less multiplication comes 64 bytes wide, most of the data is folded instead: runs of
 * bytes in lanes of 128 bits, each multiplied by the power of x that stands for the length of a run
 * and added to the next run (Intel, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction"). The two ways need different parts of the processor, so they go side by side: of
 * each block of 4608 bytes a third passes through the instruction while the rest is folded.
 */
#include "base/digest.h"

#define RUN 1024                     /* bytes of each of the three runs */
#define POWER_OF_ONE_RUN 0x170076fa  /* x^(8 * 1024 - 33), reflected */
#define POWER_OF_TWO_RUNS 0xa51b6135 /* x^(8 * 2048 - 33), reflected */

/* Four bits at a time: for processors without the instruction, and for the ends of runs. */
static uint32_t crc_plain(uint32_t crc, const uint8_t *data, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define HARDWARE __attribute__((target("sse4.2,pclmul")))

static bool hardware_present(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

HARDWARE static uint64_t step8(uint64_t crc, const uint8_t *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return _mm_crc32_u64(crc, word);
}

/* The checksum as it is after the run that `power` stands for, were that run all zeros. */
HARDWARE static uint64_t shift(uint64_t crc, uint32_t power)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)power), 0);

    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

#elif defined(__aarch64__)
#include <arm_acle.h>
#include <arm_neon.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#ifndef HWCAP_PMULL
#define HWCAP_PMULL (1 << 4)
#endif

#define HARDWARE __attribute__((target("+crc+crypto")))

static bool hardware_present(void)
{
    unsigned long wanted = HWCAP_CRC32 | HWCAP_PMULL;

    return (getauxval(AT_HWCAP) & wanted) == wanted;
}

HARDWARE static uint64_t step8(uint64_t crc, const uint8_t *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return __crc32cd((uint32_t)crc, word);
}

HARDWARE static uint64_t shift(uint64_t crc, uint32_t power)
{
    poly128_t product = vmull_p64((poly64_t)crc, (poly64_t)power);

    return __crc32cd(0, vgetq_lane_u64(vreinterpretq_u64_p128(product), 0));
}
#endif

HARDWARE static uint32_t crc_hardware(uint32_t start, const uint8_t *data, size_t len)
{
    uint64_t crc = start;

    for (; len >= 3 * RUN; data += 3 * RUN, len -= 3 * RUN) {
        uint64_t second = 0, third = 0;

        for (size_t i = 0; i < RUN; i += 8) {
            crc = step8(crc, data + i);
            second = step8(second, data + RUN + i);
            third = step8(third, data + 2 * RUN + i);
        }
        crc = shift(crc, POWER_OF_TWO_RUNS) ^ shift(second, POWER_OF_ONE_RUN) ^ third;
    }
    for (; len >= 8; data += 8, len -= 8)
        crc = step8(crc, data);
    return crc_plain((uint32_t)crc, data, len);
}

#if defined(__x86_64__)
/* A block: three runs for the instruction, then what is folded meanwhile. */
#define BLOCK_STEPS 8
#define BLOCK_WORDS 8                                     /* of each run in a step */
#define BLOCK_RUN ((size_t)BLOCK_STEPS * BLOCK_WORDS * 8) /* 512 bytes */
#define FOLD_LANES 6
#define FOLD_RUN ((size_t)FOLD_LANES * 64)             /* 384 bytes */
#define BLOCK (3 * BLOCK_RUN + BLOCK_STEPS * FOLD_RUN) /* 4608 bytes */
#define FOLD_FIRST_HALF 0x3dc0a1c400000000LL           /* x^(8 * 384 + 63) << 32, reflected */
#define FOLD_SECOND_HALF 0xcfb6589400000000LL          /* x^(8 * 384 - 1) << 32, reflected */
#define SKIP_FIRST_HALF 0x8443dcb900000000LL  /* x^(8 * (384 + 1536) + 63) << 32, reflected */
#define SKIP_SECOND_HALF 0x2bd0ca7800000000LL /* x^(8 * (384 + 1536) - 1) << 32, reflected */
#define JOIN_FIRST_HALF 0x1c19243b00000000LL  /* x^(512 + 63) << 32, reflected */
#define JOIN_SECOND_HALF 0x75bba45b00000000LL /* x^(512 - 1) << 32, reflected */
#define POWER_BEHIND_FIRST 0x82f89c77         /* x^(8 * (3072 + 1024) - 33), reflected */
#define POWER_BEHIND_SECOND 0x96a1f19b        /* x^(8 * (3072 + 512) - 33), reflected */
#define POWER_BEHIND_THIRD 0x359674f7         /* x^(8 * 3072 - 33), reflected */
#define POWER_OF_FOLD_RUN 0xd270f1a2          /* x^(8 * 384 - 33), reflected */
#define WIDE __attribute__((target("sse4.2,pclmul,avx512f,avx512vl,vpclmulqdq")))

static bool wide_present(void)
{
    return hardware_present() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vpclmulqdq");
}

WIDE static __m512i powers_of(long long first_half, long long second_half)
{
    return _mm512_broadcast_i32x4(_mm_set_epi64x(second_half, first_half));
}

WIDE static __m512i fold(__m512i run, __m512i powers, __m512i next)
{
    __m512i first = _mm512_clmulepi64_epi128(run, powers, 0x00);
    __m512i second = _mm512_clmulepi64_epi128(run, powers, 0x11);

    return _mm512_ternarylogic_epi64(first, second, next, 0x96); /* xor */
}

WIDE static inline void fold_run(__m512i lanes[FOLD_LANES], __m512i powers, const uint8_t *data)
{
#pragma GCC unroll 6
    for (int i = 0; i < FOLD_LANES; i++)
        lanes[i] = fold(lanes[i], powers, _mm512_loadu_si512(data + 64 * i));
}

/* Takes whole blocks off the data, in crc and in lanes. */
WIDE static inline uint64_t take_blocks(uint64_t crc, __m512i lanes[FOLD_LANES], struct slice *data)
{
    const __m512i fold_powers = powers_of(FOLD_FIRST_HALF, FOLD_SECOND_HALF);
    const __m512i skip_powers = powers_of(SKIP_FIRST_HALF, SKIP_SECOND_HALF);

    while (data->len >= BLOCK) {
        const uint8_t *runs = slice_take(data, 3 * BLOCK_RUN).data;
        const uint8_t *folded = slice_take(data, BLOCK_STEPS * FOLD_RUN).data;
        __m512i powers = skip_powers; /* for the lanes the runs are zeros to be skipped */
        uint64_t second = 0, third = 0;

        for (int step = 0; step < BLOCK_STEPS; step++) {
            fold_run(lanes, powers, folded);
            folded += FOLD_RUN;
            powers = fold_powers;
#pragma GCC unroll 8
            for (int i = 0; i < BLOCK_WORDS; i++, runs += 8) {
                crc = step8(crc, runs);
                second = step8(second, runs + BLOCK_RUN);
                third = step8(third, runs + 2 * BLOCK_RUN);
            }
        }
        crc = shift(crc, POWER_BEHIND_FIRST) ^ shift(second, POWER_BEHIND_SECOND) ^
              shift(third, POWER_BEHIND_THIRD);
    }
    return crc;
}

/* The checksum is linear: crc has what the runs add to it, lanes what is folded adds. */
WIDE static uint32_t crc_wide(uint32_t start, const uint8_t *bytes, size_t len)
{
    const __m512i fold_powers = powers_of(FOLD_FIRST_HALF, FOLD_SECOND_HALF);
    const __m512i join_powers = powers_of(JOIN_FIRST_HALF, JOIN_SECOND_HALF);
    struct slice data = slice_make(bytes, len);
    __m512i lanes[FOLD_LANES] = {0};
    uint8_t left[64];
    uint64_t crc;

    if (len < BLOCK) /* not worth the preparation */
        return crc_hardware(start, bytes, len);
    crc = take_blocks(start, lanes, &data);
    while (data.len >= FOLD_RUN) {
        fold_run(lanes, fold_powers, slice_take(&data, FOLD_RUN).data);
        crc = shift(crc, POWER_OF_FOLD_RUN);
    }
    for (int i = 1; i < FOLD_LANES; i++)
        lanes[i] = fold(lanes[i - 1], join_powers, lanes[i]);
    _mm512_storeu_si512(left, lanes[FOLD_LANES - 1]);
    return crc_hardware((uint32_t)crc ^ crc_hardware(0, left, sizeof(left)), data.data, data.len);
}
#else
static bool wide_present(void)
{
    return false;
}

static uint32_t crc_wide(uint32_t crc, const uint8_t *data, size_t len)
{
    return crc_hardware(crc, data, len);
}
#endif

uint32_t digest_crc32c(uint32_t crc, struct slice data)
{
    crc = ~crc;
    if (wide_present())
        crc = crc_wide(crc, data.data, data.len);
    else if (hardware_present())
        crc = crc_hardware(crc, data.data, data.len);
    else
        crc = crc_plain(crc, data.data, data.len);
    return ~crc;
}

uint32_t digest_crc32c_portable(uint32_t crc, struct slice data)
{
    return ~crc_plain(~crc, data.data, data.len);
}
