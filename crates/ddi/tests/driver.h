/*
 * What the programs use of the C library and of POSIX threads, for a build into a driver, where neither is: RXCE_IN_DRIVER is
 * defined then. Supplied by the driver: src/selftest/routines. A condition is looked at again every millisecond.
 */
#include <stddef.h>

void *memcpy(void *To, const void *From, size_t Length);
void *memset(void *To, int Byte, size_t Length);
int memcmp(const void *One, const void *Two, size_t Length);

/* Waits, at PASSIVE_LEVEL. */
VOID NTAPI RxCeHostSleep(ULONG Milliseconds);
/* A clock. */
ULONG NTAPI RxCeHostSeconds(VOID);
/* A check has failed. What came and what was wanted are the same unless it was about a status. */
VOID NTAPI RxCeHostFailed(const char *What, int Line, NTSTATUS Got, NTSTATUS Wanted);
/* Whether the interrupt request level can be raised here. */
BOOLEAN NTAPI RxCeHostHasIrql(VOID);
/* A device object that may be referenced. */
PVOID NTAPI RxCeHostDevice(VOID);

/* What a part of the program has come to. */
typedef struct _RXCE_PROGRAM_RESULT {
    const char *Name;
    ULONG Passed, Failed, Skipped;
} RXCE_PROGRAM_RESULT;

typedef struct {
    volatile int Taken;
} pthread_mutex_t;
typedef int pthread_cond_t;
#define PTHREAD_MUTEX_INITIALIZER {0}
#define PTHREAD_COND_INITIALIZER 0

struct timespec {
    long long tv_sec;
    long tv_nsec;
};
#define CLOCK_REALTIME 0

static inline int clock_gettime(int Clock, struct timespec *Now)
{
    (void)Clock;
    Now->tv_sec = RxCeHostSeconds();
    Now->tv_nsec = 0;
    return 0;
}

static inline void pthread_mutex_lock(pthread_mutex_t *Mutex)
{
    while (__sync_lock_test_and_set(&Mutex->Taken, 1))
        RxCeHostSleep(1);
}

static inline void pthread_mutex_unlock(pthread_mutex_t *Mutex)
{
    __sync_lock_release(&Mutex->Taken);
}

static inline void pthread_cond_broadcast(pthread_cond_t *Condition)
{
    (void)Condition;
}

static inline int pthread_cond_timedwait(pthread_cond_t *Condition, pthread_mutex_t *Mutex, const struct timespec *Until)
{
    (void)Condition;
    pthread_mutex_unlock(Mutex);
    RxCeHostSleep(1);
    pthread_mutex_lock(Mutex);
    return RxCeHostSeconds() >= Until->tv_sec;
}
