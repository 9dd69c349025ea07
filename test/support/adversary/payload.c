/*
 * What the attacker wants to run as somebody else: a program, a library for LD_PRELOAD and a Node-API module in one
 * source. It leaves a file in /var/proof, whose owner (chown(2): nobody but root gives files away) says as whom it ran.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void leave_proof(void) {
  char path[64];
  snprintf(path, sizeof path, "/var/proof/native-%d-%d", (int)getuid(), (int)getpid());
  int file = open(path, O_CREAT | O_WRONLY, 0644);
  if (file >= 0) close(file);
}

void *napi_register_module_v1(void *environment, void *exports) { return (void)environment, exports; }

int main(void) { return 0; }
