/*
 * Checks for C programs that test the documented routines: each prints a line, and the last line tells how many passed. In a
 * driver, only those that fail are told.
 */
#ifdef RXCE_IN_DRIVER
#include "driver.h"
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

static int Passed, Failed;

static void CheckStatus(NTSTATUS Got, NTSTATUS Wanted, const char *What, int Line)
{
#ifdef RXCE_IN_DRIVER
    if (Got != Wanted)
        RxCeHostFailed(What, Line, Got, Wanted);
#else
    if (Got != Wanted)
        printf("# got %08x, wanted %08x\nnot ", (unsigned)Got, (unsigned)Wanted);
    printf("ok %s (line %d)\n", What, Line);
    fflush(stdout);
#endif
    if (Got == Wanted)
        Passed++;
    else
        Failed++;
}

static void Check(int Ok, const char *What, int Line)
{
    CheckStatus(Ok, 1, What, Line);
}

#define CHECK(Condition) Check((Condition) ? 1 : 0, #Condition, __LINE__)

#define STATUS_IS(Wanted, Call) CheckStatus((Call), (Wanted), #Wanted ": " #Call, __LINE__)
