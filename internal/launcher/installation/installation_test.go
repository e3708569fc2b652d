package installation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/pcpfiles"
)

func nothing(string) (string, bool) { return "", false }

func TestRead(t *testing.T) {
	t.Parallel()
	for _, version := range pcpfiles.Versions {
		i, err := Read(pcpfiles.Unpack(t, version), nothing)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := i.Version(); err != nil || got.String() != version {
			t.Errorf("the version is %s, want %s (error: %v)", got, version, err)
		}
		for got, want := range map[string]string{
			i.Path(SysconfigDir, "pmcd"): "/etc/default/pmcd",
			i.Path(PMCDOptions):          "/etc/pcp/pmcd/pmcd.options",
			i.Path(ArchiveDir):           "/var/log/pcp/pmlogger",
			i.Received():                 "/var/log/pcp/pmproxy",
		} {
			if got != want {
				t.Errorf("PCP %s has %s, want %s", version, got, want)
			}
		}
		account, err := i.Account(User)
		if want := (Account{os.Getuid(), os.Getgid()}); err != nil || account != want {
			t.Errorf("PCP's user is %v, want %v (error: %v)", account, want, err)
		}
		if _, err := i.Account("nobody"); err == nil {
			t.Error("there is a user whom /etc/passwd does not have")
		}
	}
}

func TestEnvironmentWins(t *testing.T) {
	t.Parallel()
	i, err := Read(pcpfiles.Unpack(t, "7.2.2"), func(name string) (string, bool) { return "/w/run", name == RunDir })
	if err != nil || i.Path(RunDir) != "/w/run" || i.Path(LogDir) != "/var/log/pcp" {
		t.Errorf("the folders are %s and %s (error: %v)", i.Path(RunDir), i.Path(LogDir), err)
	}
}

func TestNoPCP(t *testing.T) {
	t.Parallel()
	if _, err := Read(t.TempDir(), nothing); err == nil || !strings.Contains(err.Error(), "the image has no PCP") {
		t.Errorf("without pcp.conf, the error is %v", err)
	}
	root := t.TempDir()
	pcpfiles.Write(t, filepath.Join(root, Configuration), "PCP_SYSCONF_DIR=/etc/pcp\n")
	if _, err := Read(root, nothing); err == nil || !strings.Contains(err.Error(), `PCP_SYSCONFIG_DIR is "", must be`) {
		t.Errorf("without most of it, the error is %v", err)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"6.3.8": true, "7.0.2": true, "7.0.3": false, "7.1.0": false, "10.0.0": false} {
		i := &Installation{variables: map[string]string{version: text}}
		v, err := i.Version()
		if err != nil || v.Before(Version{7, 0, 3}) != want {
			t.Errorf("%s comes before 7.0.3: %t, want %t (error: %v)", text, !want, want, err)
		}
	}
	if _, err := (&Installation{variables: map[string]string{version: "7.0"}}).Version(); err == nil {
		t.Error("7.0 is a version")
	}
}

func TestRelocate(t *testing.T) {
	t.Parallel()
	for _, version := range pcpfiles.Versions {
		image, err := Read(pcpfiles.Unpack(t, version), nothing)
		if err != nil {
			t.Fatal(err)
		}
		i := image.Relocate("/w")
		for got, want := range map[string]string{
			i.Path(PMCDConf): "/w/etc/pmcd/pmcd.conf", i.Path(RunDir): "/w", i.Path(VarDir, "pmns"): "/w/var/pmns",
			i.Path(ArchiveDir): "/var/log/pcp/pmlogger", i.Received(): "/var/log/pcp/pmproxy", i.Path(PMDAsDir): "/var/lib/pcp/pmdas",
			i.Path(LogDir): "/w/log", i.Path(TmpFileDir): "/w/tmp", image.Path(RunDir): "/run/pcp",
		} {
			if got != want {
				t.Errorf("PCP %s has %s, want %s", version, got, want)
			}
		}
		root := t.TempDir()
		pcpfiles.Write(t, filepath.Join(root, Configuration), i.Text())
		again, err := Read(root, nothing)
		if err != nil || again.Text() != i.Text() || again.VersionText() != version {
			t.Errorf("PCP %s reads another configuration than was written: %v", version, err)
		}
	}
}
