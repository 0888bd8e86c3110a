/*
 * Checks for C programs that test the documented routines: each prints a line, and the last line tells how many passed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int Passed, Failed;

static void Check(int Ok, const char *What, int Line)
{
    if (Ok) {
        Passed++;
    } else {
        Failed++;
        printf("not ");
    }
    printf("ok %s (line %d)\n", What, Line);
    fflush(stdout);
}

#define CHECK(Condition) Check((Condition) ? 1 : 0, #Condition, __LINE__)

static void CheckStatus(NTSTATUS Got, NTSTATUS Wanted, const char *What, int Line)
{
    if (Got != Wanted)
        printf("# got %08x, wanted %08x\n", (unsigned)Got, (unsigned)Wanted);
    Check(Got == Wanted, What, Line);
}

#define STATUS_IS(Wanted, Call) CheckStatus((Call), (Wanted), #Wanted ": " #Call, __LINE__)
