/*
 * The attacker's races, for `flip MODE COUNT ...`; ends at SIGTERM, and writes how often it did it into the file COUNT.
 *   exchange COUNT A B [A B ...]  what is called A and what is called B, over and over (renameat2(2), RENAME_EXCHANGE)
 *   snatch COUNT DIRECTORY POOL [MOST]   each new entry of DIRECTORY is exchanged for one of POOL, as soon as it appears
 *     or at a random time up to MOST milliseconds later
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t ended;
static void end(int signal) { (void)signal, ended = 1; }

static int exchange(const char *a, const char *b) {
  return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
}

static long exchange_all(int count, char **paths) {
  long done = 0;
  while (!ended)
    for (int at = 0; at + 1 < count; at += 2) done += exchange(paths[at], paths[at + 1]);
  return done;
}

static long snatch(const char *directory, const char *pool, int most) {
  enum { MOST = 4096 };
  static char seen[MOST][NAME_MAX + 1];
  int known = 0;
  long done = 0;
  for (int first = 1; !ended; first = 0) {
    DIR *open = opendir(directory);
    if (open == NULL) continue;
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
      int at = 0;
      while (at < known && strcmp(seen[at], entry->d_name) != 0) at += 1;
      if (at < known || known == MOST) continue;
      strcpy(seen[known], entry->d_name), known += 1;
      if (first) continue;
      char here[PATH_MAX], there[PATH_MAX];
      if (most > 0) usleep(rand() % most * 1000);
      snprintf(here, sizeof here, "%s/%s", directory, entry->d_name);
      snprintf(there, sizeof there, "%s/%d", pool, known % 256);
      done += exchange(here, there);
    }
    closedir(open);
  }
  return done;
}

int main(int count, char **words) {
  if (count < 5) return 64;
  signal(SIGTERM, end);
  printf("ready\n"), fflush(stdout);
  srand(getpid());
  long done = strcmp(words[1], "snatch") == 0 ? snatch(words[3], words[4], count > 5 ? atoi(words[5]) : 0)
                                              : exchange_all(count - 3, words + 3);
  FILE *file = fopen(words[2], "w");
  if (file == NULL) return 74;
  fprintf(file, "%ld\n", done);
  return fclose(file);
}
