package installation

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Account is a user of the image, whose numbers differ between images.
type Account struct {
	UID, GID int
}

// User is that of PCP's services.
const User = "pcp"

const passwordFields = 7

// Account finds a user by name.
func (i *Installation) Account(name string) (Account, error) {
	content, err := os.ReadFile(i.InRoot("/etc/passwd"))
	if err != nil {
		return Account{}, err
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) != passwordFields || fields[0] != name {
			continue
		}
		uid, uidErr := strconv.Atoi(fields[2])
		gid, gidErr := strconv.Atoi(fields[3])
		if uidErr == nil && gidErr == nil {
			return Account{uid, gid}, nil
		}
	}
	return Account{}, fmt.Errorf("the image's /etc/passwd has no user %s", name)
}
