//go:build linux

package preparation

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
)

// harmlessURL: pmie hands the URL to awk and to a shell.
var harmlessURL = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/?=@,+-]+$`)

// webhook is the URL, if there is one: its Secret is optional.
func (c *Container) webhook() (string, error) {
	if !c.Options.PMIE.Webhook || c.WebhookURL == "" || harmlessURL.MatchString(c.WebhookURL) {
		return c.WebhookURL, nil
	}
	return "", errors.New("the URL of pmie's webhook must start with http:// or https://, and consist of letters, digits and . _ ~ : / ? = @ , + -")
}

func (c *Container) pmieWebhook() error {
	url, err := c.webhook()
	if err != nil {
		return err
	}
	if url == "" {
		c.Logger.Warn("pmie calls no webhook: its Secret does not exist, or does not have the key")
		return nil
	}
	return errors.Join(
		c.pmieconf("modify", "global", "webhook_endpoint", url),
		c.pmieconf("modify", "global", "webhook_action", "yes"),
		c.give(c.stockRules()),
	)
}

// pmieStockRules: the image may not have one of them.
func (c *Container) pmieStockRules() error {
	var err error
	for _, rule := range c.Options.PMIE.StockRules {
		err = errors.Join(err, c.pmieconf("enable", rule))
	}
	return errors.Join(err, c.give(c.stockRules()))
}

// stockRules is the file that pmieconf writes.
func (c *Container) stockRules() string {
	return c.PCP.Path(installation.VarDir, "config/pmie/config.default")
}

func (c *Container) pmieconf(args ...string) error {
	_, err := c.System.Run("pmieconf", append([]string{"-cf", c.path(c.stockRules())}, args...)...)
	return err
}

// OwnRules is the file of the administrator's rules.
func (c *Container) OwnRules() string {
	return c.PCP.Path(installation.SysconfDir, "pmie/pcp-launcher.rules")
}

// pmieRules: in the rules, $webhook is the webhook's URL. There may be no rules yet.
func (c *Container) pmieRules() error {
	rules := c.OwnRules()
	url, err := c.webhook()
	if err != nil {
		return err
	}
	text := ""
	if url != "" {
		text = fmt.Sprintf("webhook = %q;\n", url)
	}
	content, err := os.ReadFile(c.path(filesVolume + "/pmie.rules"))
	if err != nil {
		c.Logger.Warn("the rules of pmie are missing: their ConfigMap or Secret does not exist, or does not have the key")
	}
	return errors.Join(c.write(rules, text+string(content)),
		c.write(c.PCP.Path(installation.SysconfDir, "pmie/control.d/rules"),
			"$version=1.1\n"+strings.Join([]string{"LOCALHOSTNAME", "n", "n", "PCP_LOG_DIR/pmie/LOCALHOSTNAME/rules.log", "-c", rules}, " ")+"\n"))
}
