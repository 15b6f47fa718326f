// On a narrow screen the navigation scrolls sideways: the page that one is on is brought into sight.
document.querySelector(".nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
