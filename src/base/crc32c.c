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
 * Where carry-less multiplication comes 64 bytes wide, runs of 512 bytes are folded into each other
 * instead: 32 lanes of 128 bits, each multiplied by the power of x that stands for 512 bytes and
 * added to the next run (Intel, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction"). What is left goes through the instruction.
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
#define FOLD_LANES 8
#define FOLD_RUN (FOLD_LANES * 64)
#define FOLD_LEAST (2 * FOLD_RUN) /* shorter data is not worth the preparation */
#define FOLD_FIRST_HALF 0x75bda45400000000LL  /* x^(4096 + 63) << 32, reflected */
#define FOLD_SECOND_HALF 0xe986c14800000000LL /* x^(4096 - 1) << 32, reflected */
#define JOIN_FIRST_HALF 0x1c19243b00000000LL  /* x^(512 + 63) << 32, reflected */
#define JOIN_SECOND_HALF 0x75bba45b00000000LL /* x^(512 - 1) << 32, reflected */
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

WIDE static uint32_t crc_wide(uint32_t crc, const uint8_t *data, size_t len)
{
    const __m512i powers = powers_of(FOLD_FIRST_HALF, FOLD_SECOND_HALF);
    const __m512i join = powers_of(JOIN_FIRST_HALF, JOIN_SECOND_HALF);
    __m512i lanes[FOLD_LANES];
    uint8_t left[64];

    if (len < FOLD_LEAST)
        return crc_hardware(crc, data, len);
    for (int i = 0; i < FOLD_LANES; i++)
        lanes[i] = _mm512_loadu_si512(data + 64 * i);
    lanes[0] = _mm512_xor_si512(lanes[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)crc)));
    for (data += FOLD_RUN, len -= FOLD_RUN; len >= FOLD_RUN; data += FOLD_RUN, len -= FOLD_RUN) {
#pragma GCC unroll 8
        for (int i = 0; i < FOLD_LANES; i++)
            lanes[i] = fold(lanes[i], powers, _mm512_loadu_si512(data + 64 * i));
    }
    for (int i = 1; i < FOLD_LANES; i++)
        lanes[i] = fold(lanes[i - 1], join, lanes[i]);
    _mm512_storeu_si512(left, lanes[FOLD_LANES - 1]);
    return crc_hardware(crc_hardware(0, left, sizeof(left)), data, len);
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
